/* SPDX-License-Identifier: MIT */
#include "broker/control/control.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "broker/base/log.h"
#include "broker/control/row.h"
#include "broker/core/channel_views.h"
#include "broker/core/core.h"
#include "broker/core/waiting.h"
#include "broker/net/reactor.h"
#include "common/http_head.h"
#include "common/http_query.h"
#include "common/http_site.h"
#include "proto/channel_name.h"
#include "proto/frame.h"

enum {
    /* Of one answer. A line takes about as long as 16 slots of the directory,
     * or as 16 subscribers of a channel, all of which are looked at. */
    CONTROL_LINES = 400,
    CONTROL_LINE_COST = 16,
    CONTROL_SLOTS = 64, /* between two looks at the cost */
    CONTROL_BYTES = 512 << 10,
    CONTROL_MESSAGES = 10, /* unless the request says how many */
    CONTROL_MESSAGES_MAX = 1000,
};

static enum http_status control_refuse(FILE *out, const char *sentence)
{
    fprintf(out, "%s\n", sentence);
    return HTTP_BAD_REQUEST;
}

/* --- lists --------------------------------------------------------------- */

struct control_list {
    const struct row_kind *kind;
    FILE *out;
    uint64_t cost; /* so far */
};

static void control_write_row(void *arg, const struct view *v)
{
    struct control_list *list = arg;
    list->cost += CONTROL_LINE_COST + v->number[VIEW_SUBSCRIBERS];
    row_write(list->kind, v, list->out);
}

/* No row begins so: a row has tabs. */
static void control_end_list(FILE *out, bool has_more, uint64_t place)
{
    if (has_more)
        fprintf(out, "# after=%" PRIu64 "\n", place);
}

static enum http_status
control_list_channels(void *arg, const struct http_request *r, FILE *out)
{
    struct control *c = arg;
    struct map_walk walk = {0};
    struct control_list list = {.kind = &row_of_channel, .out = out};
    bool has_more = true;
    if (!http_query_number(r->query, "after", 0, UINT64_MAX, &walk.passed))
        return control_refuse(out, "'after' is not a number");
    row_write_names(list.kind, out);
    while (has_more && list.cost < CONTROL_LINES * CONTROL_LINE_COST) {
        list.cost += CONTROL_SLOTS;
        has_more =
            channel_views_show(c->core, reactor_now_ms(c->reactor), &walk,
                               CONTROL_SLOTS, control_write_row, &list);
    }
    control_end_list(out, has_more, walk.passed);
    return HTTP_OK;
}

static enum http_status
control_list_clients(void *arg, const struct http_request *r, FILE *out)
{
    struct control *c = arg;
    struct control_list list = {.kind = &row_of_client, .out = out};
    uint64_t after;
    if (!http_query_number(r->query, "after", 0, UINT64_MAX, &after))
        return control_refuse(out, "'after' is not a number");
    row_write_names(list.kind, out);
    after = c->clients(c->clients_arg, after, CONTROL_LINES, control_write_row,
                       &list);
    control_end_list(out, after > 0, after);
    return HTTP_OK;
}

/* --- what waits in a channel --------------------------------------------- */

struct control_channel {
    uint8_t name[CHANNEL_NAME_MAX];
    size_t length;
};

static bool control_read_channel(const struct http_request *r,
                                 struct control_channel *out)
{
    return http_query_bytes(r->query, "channel", out->name, sizeof out->name,
                            &out->length) &&
           out->length > 0;
}

struct control_peek {
    FILE *out;
    uint64_t most; /* messages */
    uint64_t shown;
    size_t bytes; /* that may still be shown */
};

/* The first message is cut when it is too long; others are left out. */
static bool control_show_message(void *arg, const uint8_t *message, uint32_t n,
                                 uint32_t age_ms)
{
    struct control_peek *peek = arg;
    size_t body = n - FRAME_HEAD_BYTES, shown = body;
    if (shown > peek->bytes && peek->shown > 0)
        return false;
    if (shown > peek->bytes)
        shown = peek->bytes;
    fprintf(peek->out, "message %" PRIu32 " %zu %zu\n", age_ms, body, shown);
    fwrite(message + FRAME_HEAD_BYTES, 1, shown, peek->out);
    fputc('\n', peek->out);
    peek->bytes -= shown;
    return ++peek->shown < peek->most;
}

static enum http_status
control_show_messages(void *arg, const struct http_request *r, FILE *out)
{
    struct control *c = arg;
    struct control_channel ch;
    struct control_peek peek = {.out = out, .bytes = CONTROL_BYTES};
    if (!control_read_channel(r, &ch))
        return control_refuse(out, "'channel' is not the name of a channel");
    if (!http_query_number(r->query, "n", CONTROL_MESSAGES,
                           CONTROL_MESSAGES_MAX, &peek.most) ||
        peek.most == 0)
        return control_refuse(out, "'n' is not a number from 1 to 1000");
    core_set_now(c->core, reactor_now_ms(c->reactor));
    struct waiting all = waiting_show(c->core, ch.name, (uint32_t)ch.length,
                                      control_show_message, &peek);
    fprintf(out, "waiting %" PRIu64 " %" PRIu64 "\n", all.messages, all.bytes);
    log_event(c->log, LOG_INFO, "peeked", LOG_U64("user", r->user),
              LOG_BYTES("channel", ch.name, ch.length),
              LOG_U64("messages", peek.shown));
    return HTTP_OK;
}

static enum http_status control_purge(void *arg, const struct http_request *r,
                                      FILE *out)
{
    struct control *c = arg;
    struct control_channel ch;
    struct waiting left;
    if (!control_read_channel(r, &ch))
        return control_refuse(out, "'channel' is not the name of a channel");
    struct waiting gone =
        waiting_purge(c->core, ch.name, (uint32_t)ch.length, &left);
    fprintf(out,
            "messages\tbytes\tleft\n%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
            gone.messages, gone.bytes, left.messages);
    log_event(c->log, LOG_WARNING, "purged", LOG_U64("user", r->user),
              LOG_BYTES("channel", ch.name, ch.length),
              LOG_U64("messages", gone.messages), LOG_U64("bytes", gone.bytes),
              LOG_U64("left", left.messages));
    return HTTP_OK;
}

#define CONTROL_TABLE "text/tab-separated-values; charset=utf-8"

static const struct http_route control_table[] = {
    {"/channels", CONTROL_TABLE, .answer = control_list_channels},
    {"/clients", CONTROL_TABLE, .answer = control_list_clients},
    {"/messages", "application/octet-stream", .answer = control_show_messages},
    {"/purge", CONTROL_TABLE, .answer = control_purge, .is_post = true},
};

const struct http_route *control_routes(size_t *count)
{
    *count = sizeof control_table / sizeof *control_table;
    return control_table;
}
