/* SPDX-License-Identifier: MIT */
#include "client/lib/units/taker.h"

#include "client/lib/foreign.h"
#include "client/lib/units/intake.h"
#include "client/lib/units/link.h"
#include "client/lib/units/sign.h"
#include "proto/head_writer.h"
#include "proto/spelling.h"

#include <stdio.h>

/* --- one event ----------------------------------------------------------- */

static struct sluice_event *taker_one(struct sluice_taken *t,
                                      enum sluice_event_kind kind)
{
    t->kind = SLUICE_TAKEN_ONE;
    t->one = (struct sluice_event){.kind = kind};
    t->reason = t->run = (struct span){"", 0};
    return &t->one;
}

/* The value of a number; 0 when it is not there. */
static uint64_t taker_number(const struct head *head, enum unit_option option)
{
    uint64_t number = 0;
    if (head_has(head, option) &&
        !unit_option_read(option, head->values[option], &number))
        number = 0;
    return number;
}

/* --- a unit -------------------------------------------------------------- */

static void take_info(struct sluice *s, struct sluice_taken *t)
{
    const struct sluice_link *link = &s->units->link;
    if (sluice_link_take_info(s, &t->head)) {
        struct sluice_event *e = taker_one(t, SLUICE_EVENT_OPEN);
        e->is_new = link->is_new_run;
        t->run = span_of(link->run);
    } else if (head_has(&t->head, UNIT_OPTION_drain)) {
        taker_one(t, SLUICE_EVENT_DRAIN)->wait_ms =
            taker_number(&t->head, UNIT_OPTION_drain);
    }
}

/* Numbers of an exact topic count from that of its OK: what came before it on
 * this connection, for another pattern, is not for this reader. */
static void take_subscribed(struct sluice_units *u, struct sluice_taken *t,
                            struct sluice_call call)
{
    struct sluice_reader *r = call.reader;
    uint64_t seq = taker_number(&t->head, UNIT_OPTION_seq), base = r->base;
    struct sluice_bytes name = {r->pattern.octets, r->pattern.length};
    r->state = SLUICE_READER_LIVE;
    r->is_made = true;
    if (!sluice_reader_is_numbered(r))
        return;
    uint64_t last;
    if (!sluice_topics_get(&u->topics, name, &last))
        sluice_topics_set(&u->topics, name, seq);
    r->base = seq;
    if (call.kind == SLUICE_CALL_SUBSCRIBE ||
        (!u->link.is_new_run && seq <= base))
        return;
    struct sluice_event *e = taker_one(t, SLUICE_EVENT_MISSED);
    e->token = r->token;
    e->channel = name;
    e->seq = u->link.is_new_run ? 0 : base + 1;
    e->last = u->link.is_new_run ? 0 : seq;
}

static bool take_is_shown(uint64_t token)
{
    return token != 0 && token != SLUICE_CONFIRM;
}

static void take_receipt(struct sluice_taken *t, uint64_t token)
{
    struct sluice_event *e = taker_one(t, SLUICE_EVENT_RECEIPT);
    e->token = token;
    e->seq = taker_number(&t->head, UNIT_OPTION_seq);
    e->subscribers = taker_number(&t->head, UNIT_OPTION_subs);
    e->dropped = taker_number(&t->head, UNIT_OPTION_drop);
    e->waiting = taker_number(&t->head, UNIT_OPTION_held);
    e->is_on_disk = taker_number(&t->head, UNIT_OPTION_sync) == 1;
}

/* Frees the reader if it has ended meanwhile; true if it has. */
static bool take_is_over(struct sluice_units *u, struct sluice_call call)
{
    struct sluice_reader *r = call.reader;
    if (!r)
        return false;
    r->is_asked = false;
    if (r->state != SLUICE_READER_ENDED)
        return false;
    sluice_readers_remove(&u->readers, r);
    return true;
}

static void take_answer(struct sluice *s, struct sluice_taken *t)
{
    struct sluice_units *u = s->units;
    struct sluice_call call;
    if (!sluice_calls_take(&u->calls, t->head.rid, &call))
        return;
    if (take_is_over(u, call))
        call.reader = NULL;
    if (call.reader)
        take_subscribed(u, t, call);
    if (!take_is_shown(call.token) || call.kind == SLUICE_CALL_RESUBSCRIBE)
        return;
    take_receipt(t, call.token);
    if (t->head.verb == VERB_REP)
        t->one.kind = SLUICE_EVENT_REPLY;
    if (t->one.kind == SLUICE_EVENT_REPLY)
        t->one.body = t->body;
}

/* A refusal that no call waits for is shown as well, with token 0. */
static void take_failure(struct sluice_units *u, struct sluice_taken *t,
                         struct sluice_call call, struct span code)
{
    if (take_is_over(u, call))
        call.reader = NULL;
    if (call.reader)
        sluice_readers_remove(&u->readers, call.reader);
    snprintf(u->code, sizeof u->code, "%.*s", (int)code.length, code.text);
    if (call.kind != SLUICE_CALL_REQUEST)
        sluice_units_note_failure(
            u, SLUICE_REFUSED, "the broker refused a call: %s%s%.*s", u->code,
            t->body.length > 0 ? ": " : "", (int)t->body.length,
            (const char *)t->body.data);
    if (call.token == SLUICE_CONFIRM || call.kind == SLUICE_CALL_GOODBYE)
        return;
    struct sluice_event *e = taker_one(t, SLUICE_EVENT_FAILED);
    e->token = call.token;
    e->body = t->body;
    t->reason = code;
}

static void take_err(struct sluice *s, struct sluice_taken *t)
{
    struct sluice_units *u = s->units;
    struct sluice_call call = {.kind = SLUICE_CALL_PLAIN};
    struct span code = t->head.arguments[0];
    bool is_opening = s->units->link.state == SLUICE_LINK_OPENING;
    if (is_opening)
        sluice_link_refused(s, code, t->body);
    else if (sluice_calls_take(&u->calls, t->head.rid, &call) ||
             t->head.rid.length == 0)
        take_failure(u, t, call, code);
}

static void take_ping(struct sluice *s, struct sluice_taken *t)
{
    char room[HEAD_MAX];
    struct head_writer w;
    head_begin(&w, room, "PONG");
    if (t->head.argument_count > 0)
        head_add_spelled(&w, t->head.arguments[0]);
    struct span head = {room, head_end(&w)};
    sluice_units_append(s, head, (struct sluice_bytes){NULL, 0});
}

static void take_question(struct sluice *s, struct sluice_taken *t)
{
    if (s->units->link.state == SLUICE_LINK_OPENING)
        sluice_sign_answer(s, t->body);
}

static void take_bye(struct sluice *s, struct sluice_taken *t)
{
    (void)t;
    sluice_link_lose(s, true, NULL);
}

/* --- messages ------------------------------------------------------------ */

static bool take_channel(struct sluice_taken *t)
{
    size_t length;
    if (!spelling_read_channel(t->name, &length, t->head.arguments[0]))
        return false;
    t->channel = (struct sluice_bytes){t->name, length};
    return true;
}

static void take_hold(struct sluice *s, struct sluice_taken *t)
{
    if (!take_channel(t))
        return;
    bool is_held = t->head.verb == VERB_HOLD;
    if (is_held)
        sluice_held_add(&s->units->held, t->channel);
    else
        sluice_held_remove(&s->units->held, t->channel);
    taker_one(t, is_held ? SLUICE_EVENT_HOLD : SLUICE_EVENT_GO)->channel =
        t->channel;
}

/* Whether the numbers of the topic continue; they may begin again where the
 * broker says so. */
static void take_numbers(struct sluice_units *u, struct sluice_taken *t)
{
    uint64_t before = 0;
    t->due = 0;
    if (t->cut.world == PATTERN_QUEUES)
        return;
    bool is_known = sluice_topics_get(&u->topics, t->channel, &before);
    bool is_restarted =
        head_has(&t->head, UNIT_OPTION_new) && t->first > before;
    if (is_known && t->first != before + 1 && !is_restarted)
        t->due = before + 1;
    sluice_topics_set(&u->topics, t->channel, t->last);
}

static void take_delivery(struct sluice *s, struct sluice_taken *t)
{
    struct sluice_units *u = s->units;
    bool is_gap = t->head.verb == VERB_GAP;
    if (!take_channel(t) || !unit_number_read(t->head.arguments[1], &t->first))
        return;
    t->last = t->first;
    if (is_gap && (!unit_number_read(t->head.arguments[2], &t->last) ||
                   t->last < t->first))
        return;
    pattern_cut(&t->cut, t->name, t->channel.length);
    t->reader = sluice_readers_match(&u->readers, NULL, &t->cut);
    if (!t->reader)
        return;
    take_numbers(u, t);
    if (is_gap)
        u->lost += t->last - t->first + 1;
    t->kind = SLUICE_TAKEN_READERS;
}

static void (*const taker_verbs[VERB_COUNT])(struct sluice *s,
                                             struct sluice_taken *t) = {
    [VERB_BYE] = take_bye,    [VERB_CHAL] = take_question,
    [VERB_ERR] = take_err,    [VERB_GAP] = take_delivery,
    [VERB_GO] = take_hold,    [VERB_HOLD] = take_hold,
    [VERB_INFO] = take_info,  [VERB_MSG] = take_delivery,
    [VERB_OK] = take_answer,  [VERB_PING] = take_ping,
    [VERB_REP] = take_answer,
};

/* A length that is not one, perhaps because the server speaks another
 * protocol. */
static void taker_on_too_long(struct sluice *s)
{
    struct sluice_failure foreign;
    const uint8_t *head = s->in.bytes + s->in.head;
    if (s->units->link.state == SLUICE_LINK_OPENING &&
        sluice_foreign_find(head, sluice_inbox_waiting(&s->in), &foreign))
        sluice_link_fail(s, SLUICE_FOREIGN, foreign.sentence);
    else
        sluice_link_fail(s, SLUICE_TOO_LONG,
                         "the broker sent a message above the limit");
}

/* Brokers of other years may send more than this one knows. */
bool sluice_taker_take(struct sluice *s)
{
    struct sluice_taken *t = &s->units->taken;
    struct sluice_bytes head;
    enum frame_status status = sluice_intake_take(&s->in, &head, &t->body);
    if (status == FRAME_MORE)
        return false;
    t->kind = SLUICE_TAKEN_NOTHING;
    if (status == FRAME_TOO_LONG) {
        taker_on_too_long(s);
        return true;
    }
    if (!head_parse_leniently(&t->head, head.data, (uint32_t)head.length) ||
        t->head.verb == VERB_COUNT || !taker_verbs[t->head.verb] ||
        t->head.argument_count < verbs[t->head.verb].least)
        return true;
    if (s->units->link.state != SLUICE_LINK_OPENING ||
        t->head.verb == VERB_INFO || t->head.verb == VERB_ERR ||
        t->head.verb == VERB_BYE || t->head.verb == VERB_CHAL)
        taker_verbs[t->head.verb](s, t);
    return true;
}

/* --- events -------------------------------------------------------------- */

static void make_one(struct sluice_room *room, struct sluice_taken *t)
{
    struct sluice_event *e = &room->event;
    t->kind = SLUICE_TAKEN_NOTHING;
    sluice_room_begin(room, t->one.kind);
    e->is_new = t->one.is_new;
    e->is_on_disk = t->one.is_on_disk;
    e->token = t->one.token;
    sluice_room_set_channel(room, t->one.channel);
    e->seq = t->one.seq;
    e->last = t->one.last;
    e->body = t->one.body;
    e->subscribers = t->one.subscribers;
    e->dropped = t->one.dropped;
    e->waiting = t->one.waiting;
    e->wait_ms = t->one.wait_ms;
    e->reason = sluice_room_text(room, t->reason);
    e->run = sluice_room_copy(room, t->run);
    if (e->kind == SLUICE_EVENT_REPLY)
        sluice_room_set_headers(room, &t->head);
}

static void make_delivery(const struct sluice *s, struct sluice_event *e)
{
    const struct sluice_taken *t = &s->units->taken;
    struct sluice_delivery *d = &e->delivery;
    d->seq = t->first;
    d->connection = s->units->link.number;
    d->channel_length = (uint8_t)t->channel.length;
    memcpy(d->channel, t->channel.data, t->channel.length);
    struct span reply = t->head.values[UNIT_OPTION_reply];
    uint64_t none;
    if (!head_has(&t->head, UNIT_OPTION_reply) ||
        !unit_option_read(UNIT_OPTION_reply, reply, &none))
        return;
    e->wants_reply = true;
    d->reply_length = (uint8_t)reply.length;
    memcpy(d->reply, reply.text, reply.length);
}

static void make_message(const struct sluice *s, struct sluice_room *room)
{
    const struct sluice_taken *t = &s->units->taken;
    struct sluice_event *e = &room->event;
    sluice_room_begin(room, SLUICE_EVENT_MESSAGE);
    e->seq = e->last = t->first;
    e->body = t->body;
    e->tries = head_has(&t->head, UNIT_OPTION_try)
                   ? taker_number(&t->head, UNIT_OPTION_try)
                   : 1;
    if (t->head.header_count > 0)
        sluice_room_set_headers(room, &t->head);
    make_delivery(s, e);
}

static void make_gap(const struct sluice_taken *t, struct sluice_room *room)
{
    uint64_t base = t->reader->base;
    sluice_room_begin(room, SLUICE_EVENT_GAP);
    room->event.seq = t->first > base ? t->first : base + 1;
    room->event.last = t->last;
    room->event.reason =
        sluice_room_text(room, head_has(&t->head, UNIT_OPTION_why)
                                   ? t->head.values[UNIT_OPTION_why]
                                   : span_of("slow"));
}

/* False: the last of them has been made. */
static bool make_for_reader(struct sluice *s, struct sluice_room *room,
                            const struct sluice_reader **owner)
{
    struct sluice_taken *t = &s->units->taken;
    if (t->due > 0) {
        sluice_room_begin(room, SLUICE_EVENT_UNTOLD);
        room->event.seq = t->due;
        sluice_room_set_channel(room, t->channel);
        t->due = 0;
        return true;
    }
    while (t->reader && t->last <= t->reader->base)
        t->reader =
            sluice_readers_match(&s->units->readers, t->reader, &t->cut);
    if (!t->reader)
        return false;
    if (t->head.verb == VERB_GAP)
        make_gap(t, room);
    else
        make_message(s, room);
    room->event.token = t->reader->token;
    sluice_room_set_channel(room, t->channel);
    room->event.is_new = head_has(&t->head, UNIT_OPTION_new);
    *owner = t->reader;
    t->reader = sluice_readers_match(&s->units->readers, t->reader, &t->cut);
    return true;
}

/* Each unanswered call, then END. */
static void make_loss(struct sluice_units *u, struct sluice_room *room)
{
    struct sluice_taken *t = &u->taken;
    const char *code = t->is_bye ? "not-done" : "unknown";
    struct sluice_call call;
    while (sluice_calls_take_any(&u->calls, &call)) {
        bool is_over = take_is_over(u, call);
        if (call.reader && !is_over && !call.reader->is_made)
            sluice_readers_remove(&u->readers, call.reader);
        if (call.kind == SLUICE_CALL_GOODBYE ||
            call.kind == SLUICE_CALL_RESUBSCRIBE)
            continue;
        sluice_units_note_failure(
            u, t->is_bye ? SLUICE_CLOSED : SLUICE_BROKEN,
            t->is_bye ? "the broker said goodbye before it executed a call"
                      : "the connection broke before a call was answered");
        if (call.token == SLUICE_CONFIRM)
            continue;
        sluice_room_begin(room, SLUICE_EVENT_FAILED);
        room->event.token = call.token;
        room->event.reason = code;
        return;
    }
    t->kind = SLUICE_TAKEN_NOTHING;
    sluice_room_begin(room, SLUICE_EVENT_END);
    room->event.reason = t->is_bye ? "bye" : "broken";
    room->event.body =
        sluice_text(sluice_room_copy(room, span_of(t->loss.sentence)));
}

bool sluice_taker_make(struct sluice *s, struct sluice_room *room,
                       const struct sluice_reader **owner)
{
    struct sluice_taken *t = &s->units->taken;
    *owner = NULL;
    switch (t->kind) {
    case SLUICE_TAKEN_NOTHING:
        return false;
    case SLUICE_TAKEN_ONE:
        make_one(room, t);
        return true;
    case SLUICE_TAKEN_LOSS:
        make_loss(s->units, room);
        return true;
    case SLUICE_TAKEN_READERS:
        if (make_for_reader(s, room, owner))
            return true;
        t->kind = SLUICE_TAKEN_NOTHING;
        return false;
    }
    return false;
}

static bool taker_is_unread(void *arg, struct sluice_bytes name)
{
    const struct sluice_units *u = arg;
    struct pattern_name cut;
    pattern_cut(&cut, name.data, name.length);
    return !sluice_readers_match(&u->readers, NULL, &cut);
}

void sluice_taker_end_reader(struct sluice_units *u,
                             struct sluice_reader *reader)
{
    struct sluice_taken *t = &u->taken;
    if (t->kind == SLUICE_TAKEN_READERS && t->reader == reader)
        t->reader = sluice_readers_match(&u->readers, reader, &t->cut);
    sluice_kept_drop(&u->kept, reader);
    sluice_readers_remove(&u->readers, reader);
    sluice_topics_sweep(&u->topics, taker_is_unread, u);
}
