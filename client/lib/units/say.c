/* SPDX-License-Identifier: MIT */
#include "client/lib/units/say.h"

#include "client/lib/units/pump.h"
#include "client/lib/units/units.h"
#include "proto/frame.h"
#include "proto/head_writer.h"

#include <sys/socket.h>

static bool say_is_answered(const struct sluice_saying *what)
{
    return what->token != 0 || what->reader;
}

static bool say_is_synced(const struct sluice_units *u)
{
    return u->settings.syncs ||
           (u->settings.syncs_durable && u->link.has_durable);
}

/* Whether it can be said now. SLUICE_AGAIN and SLUICE_HELD: later; *late is
 * what there is to wait for. */
static enum sluice_error
say_check(struct sluice *s, const struct sluice_saying *what, const char **late)
{
    const struct sluice_units *u = s->units;
    const struct sluice_link *link = &u->link;
    bool is_up = link->state == SLUICE_LINK_UP;
    if (link->state == SLUICE_LINK_ENDED)
        return s->end;
    if (link->state == SLUICE_LINK_LEAVING)
        return sluice_failure_set(&s->failure, SLUICE_BAD_STATE,
                                  "not possible after a goodbye");
    if (what->connection != 0 && (!is_up || what->connection != link->number))
        return sluice_failure_set(
            &s->failure, SLUICE_GONE,
            "the message came on a connection that has ended");
    *late = "there was no connection in time";
    if (!is_up)
        return SLUICE_AGAIN;
    size_t max = link->max < s->limit ? (size_t)link->max : s->limit;
    if (what->body.length > max)
        return sluice_failure_set(
            &s->failure, SLUICE_TOO_LONG,
            "a message of %zu bytes is above the limit of %zu",
            what->body.length, max);
    *late = "the broker held the channel back for too long";
    if (what->is_routed && sluice_held_has(&u->held, what->channel))
        return sluice_failure_set(&s->failure, SLUICE_HELD,
                                  "the broker holds this channel back");
    *late = "the broker answered no call in time";
    if (say_is_answered(what) && u->calls.count >= u->settings.window)
        return SLUICE_AGAIN;
    *late = "the broker took no more in time";
    return SLUICE_OK;
}

static bool say_headers(struct head_writer *w,
                        const struct sluice_header *headers)
{
    unsigned count = 0;
    for (; headers && headers->name; headers++)
        if (++count > SLUICE_HEADERS_MAX ||
            !head_add_header(w, span_of(headers->name), headers->value.data,
                             headers->value.length))
            return false;
    return true;
}

/* False: a header is none, or all of them are too long. */
static bool say_compose(struct head_writer *w, char room[HEAD_MAX],
                        const struct sluice_saying *what)
{
    if (what->reader) {
        sluice_reader_write(what->reader, w, room);
        return true;
    }
    head_begin(w, room, what->verb);
    uint32_t verb = w->length;
    if (what->channel.length > 0)
        head_add_channel(w, what->channel.data, what->channel.length);
    else
        head_add_spelled(w, what->spelled);
    if (what->has_number)
        head_add_number(w, what->number);
    if (!say_headers(w, what->headers) || head_end(w) == 0 ||
        w->length - verb - 1 > HEAD_ROUTED_MAX)
        return false;
    if (what->has_duration)
        head_add_option_ms(w, what->duration, what->duration_ms);
    return true;
}

/* A long body leaves from where it is, as far as the socket takes it; what is
 * left is copied, so that nothing gets in between. */
static void say_send_body(struct sluice *s, struct sluice_bytes body)
{
    struct sluice_link *link = &s->units->link;
    if (!link->is_deaf)
        (void)sluice_outbox_write(&s->out, &s->wire, &body);
    if (body.length == 0 || sluice_outbox_append(&s->out, body))
        return;
    link->is_deaf = true; /* the unit is cut short: the next read is the end */
    shutdown(s->wire.fd, SHUT_RDWR);
}

static bool say_send(struct sluice *s, struct sluice_bytes head,
                     struct sluice_bytes body)
{
    if (body.length < SLUICE_OUTBOX_LONG)
        return sluice_outbox_put_pair(&s->out, head, body);
    if (!sluice_outbox_put_head(&s->out, head, body.length))
        return false;
    say_send_body(s, body);
    return true;
}

/* SLUICE_AGAIN: there is no room. */
static enum sluice_error say_now(struct sluice *s,
                                 const struct sluice_saying *what)
{
    struct sluice_units *u = s->units;
    char room[HEAD_MAX];
    struct head_writer w;
    uint64_t rid;
    bool is_answered = say_is_answered(what);
    if (!say_compose(&w, room, what))
        return sluice_failure_set(
            &s->failure, SLUICE_BAD_HEADER,
            "a header has no legal name, or there are too many or too long"
            " ones");
    if (is_answered) {
        if (!sluice_calls_next(&u->calls, &rid))
            return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                      "out of memory");
        if (what->is_published && say_is_synced(u))
            head_add_option(&w, UNIT_OPTION_confirm, span_of("sync"));
        head_add_option_number(&w, UNIT_OPTION_rid, rid);
    }
    if (!say_send(s, (struct sluice_bytes){room, head_end(&w)}, what->body))
        return SLUICE_AGAIN;
    if (is_answered)
        sluice_calls_put(&u->calls, (struct sluice_call){
                                        what->kind, what->token, what->reader});
    u->link.is_urgent |= what->is_urgent;
    return SLUICE_OK;
}

enum sluice_error sluice_say(struct sluice *s, const struct sluice_saying *what,
                             int timeout_ms)
{
    if (!s->protocol)
        return sluice_handle_bad_state(s);
    sluice_deadline deadline = SLUICE_DEADLINE_NOW;
    bool has_deadline = timeout_ms == 0;
    for (;;) {
        const char *late = "";
        enum sluice_error error = say_check(s, what, &late);
        if (error == SLUICE_OK)
            error = say_now(s, what);
        if (error != SLUICE_AGAIN && error != SLUICE_HELD)
            return error;
        if (!has_deadline)
            deadline = sluice_deadline_in(timeout_ms);
        has_deadline = true;
        enum sluice_error step = sluice_pump_keep_and_step(s, deadline, late);
        if (step == SLUICE_AGAIN)
            return error;
        if (step != SLUICE_OK)
            return step;
    }
}
