/* SPDX-License-Identifier: MIT */
#include "client/reading.h"

#include "client/complain.h"
#include "proto/channel_name.h"

#include <stdlib.h>

/* --- what is written ----------------------------------------------------- */

/* Of the spellings that libsluice knows only that of the star is left. */
static void reading_write(char *out, const char *written)
{
    for (; *written; written++) {
        bool is_star =
            strncmp(written, "%2A", 3) == 0 || strncmp(written, "%2a", 3) == 0;
        *out++ = *written;
        if (*written == '%' && !is_star) {
            *out++ = '2';
            *out++ = '5';
        }
    }
    *out = '\0';
}

/* A broker refuses to subscribe a connection to the same twice. */
static bool reading_has(const struct reading *r, const char *written)
{
    unsigned i = 0;
    while (i < r->count && strcmp(r->patterns[i].written, written) != 0)
        i++;
    return i < r->count;
}

bool reading_init(struct reading *r, unsigned count, char *const *channels)
{
    *r = (struct reading){.count = 0};
    r->patterns = calloc(count, sizeof *r->patterns);
    for (unsigned i = 0; r->patterns && i < count; i++) {
        if (reading_has(r, channels[i]))
            continue;
        struct reading_pattern *p = &r->patterns[r->count++];
        p->written = channels[i];
        p->is_exact = !strchr(channels[i], '*');
        p->is_queue = reading_is_queue(channels[i], strlen(channels[i]));
        reading_write(p->text, channels[i]);
    }
    return r->patterns;
}

void reading_fini(struct reading *r)
{
    free(r->patterns);
}

bool reading_has_many(const struct reading *r)
{
    return r->count > 1 || !r->patterns[0].is_exact;
}

bool reading_has_queues(const struct reading *r)
{
    unsigned i = 0;
    while (i < r->count && !r->patterns[i].is_queue)
        i++;
    return i < r->count;
}

bool reading_is_queue(const char *channel, size_t length)
{
    size_t n = strlen(CHANNEL_NAME_QUEUE);
    return length >= n && memcmp(channel, CHANNEL_NAME_QUEUE, n) == 0;
}

/* --- subscriptions ------------------------------------------------------- */

/* Their tokens are their places, from 1. */
enum sluice_error reading_subscribe(const struct reading *r, struct sluice *s,
                                    uint32_t credit, uint32_t wait_ms,
                                    int timeout_ms)
{
    enum sluice_error error = SLUICE_OK;
    for (unsigned i = 0; i < r->count && error == SLUICE_OK; i++) {
        const struct reading_pattern *p = &r->patterns[i];
        struct sluice_subscription how = {.size = sizeof how,
                                          .acks = p->is_queue};
        if (p->is_queue) {
            how.credit = credit;
            how.wait_ms = wait_ms;
        }
        error = sluice_subscribe_to(s, sluice_text(p->text), &how, i + 1,
                                    timeout_ms);
    }
    return error;
}

int reading_complain(const struct sluice *s, enum sluice_error error)
{
    return complain(error == SLUICE_BAD_CHANNEL ? EXIT_USAGE : EXIT_FAILED,
                    "%s", sluice_error_detail(s));
}

enum sluice_error reading_set_credit(const struct reading *r, struct sluice *s,
                                     uint32_t credit, int timeout_ms)
{
    enum sluice_error error = SLUICE_OK;
    for (unsigned i = 0; i < r->count && error == SLUICE_OK; i++)
        if (r->patterns[i].is_queue)
            error = sluice_credit(s, sluice_text(r->patterns[i].text), credit,
                                  0, timeout_ms);
    return error;
}

bool reading_refused(const struct reading *r, const struct sluice_event *e)
{
    bool is_ours = e->token >= 1 && e->token <= r->count;
    complain(EXIT_FAILED, "the broker refused%s%s: %s%s%.*s",
             is_ours ? " " : "",
             is_ours ? r->patterns[e->token - 1].written : "", e->reason,
             e->body.length > 0 ? ": " : "", (int)e->body.length,
             (const char *)e->body.data);
    return is_ours;
}

/* --- copies -------------------------------------------------------------- */

bool reading_is_copy(struct reading *r, const struct sluice_event *e)
{
    bool can_be =
        e->kind == SLUICE_EVENT_MESSAGE || e->kind == SLUICE_EVENT_GAP;
    bool is_copy = can_be && r->kind == e->kind && r->last == e->last &&
                   r->tries == e->tries &&
                   r->connection == e->delivery.connection &&
                   r->length == e->channel.length &&
                   memcmp(r->channel, e->channel.data, r->length) == 0;
    r->kind = e->kind;
    if (!can_be || is_copy)
        return is_copy;
    r->last = e->last;
    r->tries = e->tries;
    r->connection = e->delivery.connection;
    r->length = (uint8_t)e->channel.length;
    memcpy(r->channel, e->channel.data, r->length);
    return false;
}
