/* SPDX-License-Identifier: MIT
 *
 * The inner loop of version 2, as v1_append() is that of version 1. A topic
 * that only readers of version 2 have is given messages with their heads, so
 * that they are written as they are, however many readers there are.
 */
#include "broker/session/units/burst.h"

#include <string.h>

#include "broker/base/bytes.h"
#include "broker/core/queue_kept.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/message_head.h"
#include "broker/session/units/message_tail.h"
#include "broker/session/units/synced.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/octet.h"
#include "proto/spelling.h"

enum {
    SMALL_BYTES = 32, /* are copied at once */
    /* A body from here on gets a block of its own. */
    BODY_MAX = (16 << 10) - FRAME_HEAD_BYTES - 1,
    /* For a head without headers, and what is copied beyond a message. */
    BURST_SLACK = MESSAGE_HEAD_MAX + SMALL_BYTES,
    RID_BEFORE = 5,                        /* " rid=" */
    RECEIPT_BEFORE = FRAME_HEAD_BYTES + 7, /* "OK rid=" */
    SEQ_BEFORE = 5,                        /* " seq=" */
    COUNT_BEFORE = 6,                      /* " subs=" */
    COUNT_SYNCED = 7,                      /* " sync=1" */
    /* Two counts of 10 and 19 digits, and no body; or 8 digits, as many readers
     * a channel can have, and 17, with sync=1. */
    RECEIPT_COUNTS = 48,
    RECEIPT_MAX = RECEIPT_BEFORE + UNITS_RID_MAX + SEQ_BEFORE + DECIMAL_MAX +
                  RECEIPT_COUNTS,
    RECEIPTS_MAX = 16 << 10, /* at once */
};

_Static_assert((int)UNITS_ANSWERS_MANY + (int)RECEIPT_MAX <=
                   (int)UNITS_ANSWERS_MAX,
               "a receipt always fits after units_relieve()");

/* The text of a receipt behind its number, with the empty body. */
struct counts {
    uint8_t text[RECEIPT_COUNTS];
    uint32_t length;
    uint32_t waits_at, waits_count; /* of a queue: the digits of `held` */
    struct receipt receipt;         /* what it says, */
    bool is_synced;                 /* with sync=1 */
};

struct burst {
    struct session *session;
    struct channel *channel;
    /* What the heads begin with, and what they end with behind their rids, as
     * it stands in the first one. With headers: the channel, and nothing. */
    const uint8_t *text, *rest;
    uint32_t text_length, rest_length;
    bool is_dressed, has_rid;
    bool has_headers;            /* and perhaps no rid */
    bool is_late;                /* their receipts wait for the disk */
    unsigned options;            /* that they have, as TAIL_RID */
    const uint8_t *at, *end;     /* what is taken; */
    uint8_t *out;                /* where it goes, NULL: not known, */
    uint32_t room;               /* and how much that can take, */
    uint32_t least;              /* which is at least so much */
    size_t unit_size, unit_rid;  /* bytes of the first unit, and of its rid */
    uint32_t messages;           /* taken */
    uint8_t *receipts, *receipt; /* the first one, and where the next one goes,
                                    which is not behind: */
    const uint8_t *last_receipt;
    struct counts counts;
    struct message_head head; /* of the first message, and then counted up */
};

static struct burst_place *place_of(const struct session *s)
{
    return &units_hub(s)->places[s->id % BURST_PLACES];
}

void burst_remember(struct session *s, struct channel *ch, const struct unit *u)
{
    struct burst_place *place = place_of(s);
    struct span name = u->head.arguments[0];
    if (name.length > BURST_NAME_MAX)
        return;
    channel_ref_set(&place->channel, s->all->core, ch);
    place->session = s->id;
    place->name_length = name.length;
    memcpy(place->text, "PUB ", BURST_WORD);
    memcpy(place->text + BURST_WORD, name.text, name.length);
}

uint32_t burst_last(const struct session *s, uint8_t *name)
{
    const struct burst_place *place = place_of(s);
    const struct span spelt = {(const char *)place->text + BURST_WORD,
                               place->name_length};
    return place->session == s->id ? (uint32_t)spelling_read(name, spelt) : 0;
}

void burst_forget(struct session *s)
{
    channel_ref_set(&place_of(s)->channel, s->all->core, NULL);
}

/* Receipts. */

static void counts_write(struct counts *c)
{
    const struct receipt *r = &c->receipt;
    uint8_t *at = c->text;
    memcpy(at, " subs=", COUNT_BEFORE);
    at += COUNT_BEFORE;
    at += decimal_put(at, r->readers);
    memcpy(at, r->is_queue ? " held=" : " drop=", COUNT_BEFORE);
    at += COUNT_BEFORE;
    c->waits_at = (uint32_t)(at - c->text);
    c->waits_count = decimal_put(at, r->is_queue ? r->waits : r->slow);
    at += c->waits_count;
    if (c->is_synced) {
        memcpy(at, " sync=1", COUNT_SYNCED);
        at += COUNT_SYNCED;
    }
    memset(at, 0, FRAME_HEAD_BYTES);
    c->length = (uint32_t)(at - c->text) + FRAME_HEAD_BYTES;
}

static void counts_next(struct counts *c)
{
    if (!c->receipt.is_queue)
        return;
    c->receipt.waits++;
    if (!decimal_next(c->text + c->waits_at, c->waits_count))
        counts_write(c);
}

/* Returns the end of the receipt. Everything is copied in steps of a fixed
 * length, and what comes next overwrites what was too much. */
static inline uint8_t *put_receipt(uint8_t *out, const uint8_t *rid,
                                   uint32_t rid_length, const uint8_t *end,
                                   const uint8_t *digits, uint32_t digit_count,
                                   const struct counts *counts)
{
    uint8_t *at = out + RECEIPT_BEFORE;
    memcpy(out, "\0\0\0\0OK rid=     ", 16);
    if (end - rid >= UNITS_RID_MAX)
        memcpy(at, rid, UNITS_RID_MAX);
    else
        memcpy(at, rid, rid_length);
    at += rid_length;
    memcpy(at, " seq=   ", 8);
    at += SEQ_BEFORE;
    memcpy(at, digits, DECIMAL_MAX);
    at += digit_count;
    memcpy(at, counts->text, RECEIPT_COUNTS);
    at += counts->length;
    frame_put_length(out, (uint32_t)(at - out) - 2 * FRAME_HEAD_BYTES);
    return at;
}

/* The length of the rid that `text` ends with; 0: it is not one. */
static inline uint32_t rid_length(const uint8_t *text, uint32_t length)
{
    if (length <= RID_BEFORE || length > RID_BEFORE + UNITS_RID_MAX ||
        memcmp(text, " rid=", RID_BEFORE) != 0)
        return 0;
    length -= RID_BEFORE;
    return octet_all_have((const char *)text + RID_BEFORE, length, OCTET_NAME)
               ? length
               : 0;
}

/* The units. */

static uint32_t burst_limit(const struct session *s)
{
    uint32_t limit = s->all->config.max_frame_bytes;
    return limit < BODY_MAX ? limit : BODY_MAX;
}

static inline void burst_copy(uint8_t *out, const uint8_t *message, size_t n,
                              size_t left)
{
    if (n <= SMALL_BYTES && left >= SMALL_BYTES)
        memcpy(out, message, SMALL_BYTES);
    else
        memmove(out, message, n); /* not memcpy: see backlog_gather() */
}

/* Stops at anything that is not as the first unit was, and where there is no
 * room. Each way to call it is a loop of its own, which does not ask again and
 * again what it is. */
static inline __attribute__((always_inline)) void
burst_loop(struct burst *b, bool is_dressed, bool has_rid, bool has_rest)
{
    const uint8_t *p = b->at, *end = b->end, *text = b->text, *rest = b->rest;
    uint8_t *out = b->out, *last = out + b->room - BURST_SLACK;
    uint8_t *receipt = b->receipt, *digits = b->head.frame + b->head.number_at;
    size_t text_length = b->text_length, shortest = frame_size(b->text_length);
    size_t rest_length = has_rest ? b->rest_length : 0;
    uint32_t limit = burst_limit(b->session), messages = 0, rid = 0;
    uint32_t digit_count = message_head_digits(&b->head);
    uint64_t first = b->head.number;
    size_t least = shortest + FRAME_HEAD_BYTES;
    for (size_t left; (left = (size_t)(end - p)) >= least;) {
        size_t length = frame_get_length(p);
        if ((has_rid ? length <= text_length + rest_length
                     : length != text_length) ||
            !bytes_are_equal(p + FRAME_HEAD_BYTES, text, text_length))
            break;
        const uint8_t *q = p + shortest;
        if (has_rid) {
            if (left < length + 2 * FRAME_HEAD_BYTES ||
                receipt > b->last_receipt)
                break;
            rid = rid_length(q, (uint32_t)(length - text_length - rest_length));
            if (rid == 0)
                break;
            q += RID_BEFORE + rid;
            if (has_rest && !bytes_are_equal(q, rest, rest_length))
                break;
            q += rest_length;
        }
        size_t body = frame_get_length(q), size = FRAME_HEAD_BYTES + body;
        if (body > limit || size > (size_t)(end - q) || out + size > last)
            break;
        if (is_dressed)
            out = message_head_put(&b->head, out);
        burst_copy(out, q, size, (size_t)(end - q));
        out += size;
        messages++;
        p = q + size;
        if (has_rid) {
            receipt = put_receipt(receipt, q - rest_length - rid, rid, end,
                                  digits, digit_count, &b->counts);
            if (!is_dressed)
                counts_next(&b->counts);
        }
        if ((is_dressed || has_rid) && !decimal_next(digits, digit_count)) {
            message_head_set(&b->head, first + messages);
            digit_count++;
        }
    }
    b->at = p;
    b->out = out;
    b->receipt = receipt;
    b->messages = messages;
}

/* Writes a message with its head, which has these headers; returns its end. */
static uint8_t *put_with_headers(const struct message_head *head, uint8_t *out,
                                 const struct message_tail *tail,
                                 const uint8_t *message, size_t size)
{
    uint8_t *at = message_head_put(head, out);
    memmove(at, tail->headers, tail->headers_length);
    at += tail->headers_length;
    frame_put_length(out, (uint32_t)(at - out) - FRAME_HEAD_BYTES);
    memmove(at, message, size);
    return at + size;
}

/* The same for dressed messages whose heads, but for the channel, differ. */
static __attribute__((noinline)) void burst_loop_headers(struct burst *b)
{
    const uint8_t *p = b->at, *end = b->end;
    const uint8_t *last = b->out + b->room - BURST_SLACK;
    uint32_t limit = burst_limit(b->session);
    size_t shortest = frame_size(b->text_length);
    struct message_tail tail;
    for (size_t left; (left = (size_t)(end - p)) >= shortest;) {
        size_t length = frame_get_length(p);
        if (length < b->text_length || length > HEAD_MAX ||
            left < length + 2 * FRAME_HEAD_BYTES ||
            !bytes_are_equal(p + FRAME_HEAD_BYTES, b->text, b->text_length) ||
            !message_tail_read(&tail, p + shortest,
                               (uint32_t)(length - b->text_length)) ||
            tail.options != b->options)
            break;
        const uint8_t *q = p + FRAME_HEAD_BYTES + length;
        size_t body = frame_get_length(q), size = FRAME_HEAD_BYTES + body;
        if (body > limit || size > (size_t)(end - q) ||
            b->out + tail.headers_length + size > last ||
            (b->has_rid && b->receipt > b->last_receipt))
            break;
        b->out = put_with_headers(&b->head, b->out, &tail, q, size);
        p = q + size;
        if (b->has_rid)
            b->receipt = put_receipt(b->receipt, tail.rid, tail.rid_length, end,
                                     b->head.frame + b->head.number_at,
                                     message_head_digits(&b->head), &b->counts);
        b->messages++;
        message_head_next(&b->head);
    }
    b->at = p;
}

/* Each loop is a function of its own, which is not inlined: all in one, they
 * would have to share its registers. */
#define BURST_LOOP(name, is_dressed, has_rid, has_rest)                        \
    static __attribute__((noinline)) void name(struct burst *b)                \
    {                                                                          \
        burst_loop(b, is_dressed, has_rid, has_rest);                          \
    }

BURST_LOOP(burst_loop_bare, false, false, false)
BURST_LOOP(burst_loop_bare_rid, false, true, false)
BURST_LOOP(burst_loop_bare_rest, false, true, true)
BURST_LOOP(burst_loop_dressed, true, false, false)
BURST_LOOP(burst_loop_dressed_rid, true, true, false)

static void burst_run(struct burst *b)
{
    static void (*const loops[2][2])(struct burst * b) = {
        {burst_loop_bare, burst_loop_bare_rid},
        {burst_loop_dressed, burst_loop_dressed_rid},
    };
    if (b->has_headers)
        burst_loop_headers(b);
    else if (b->rest_length > 0)
        burst_loop_bare_rest(b);
    else
        loops[b->is_dressed][b->has_rid](b);
}

/* Where the text of the heads ends, and their rest begins, in the first one,
 * whose tail this is. */
static void burst_split(struct burst *b, const struct message_tail *tail,
                        const uint8_t *end)
{
    b->options = tail->options;
    b->has_rid = tail->options & TAIL_RID;
    b->has_headers = tail->headers_length > 0;
    b->rest = b->has_rid ? tail->rid + tail->rid_length : end;
    if (b->has_headers)
        b->rest = end;
    else
        b->text_length =
            (uint32_t)((b->has_rid ? tail->rid - RID_BEFORE : end) - b->text);
    b->rest_length = (uint32_t)(end - b->rest);
}

/* Looks at the first unit: whether it goes where the last one went. */
static bool burst_begins(struct burst *b, const struct burst_place *place)
{
    size_t n = (size_t)(b->end - b->at);
    struct message_tail tail;
    if (n < FRAME_HEAD_BYTES + BURST_WORD)
        return false;
    uint32_t length = frame_get_length(b->at);
    b->text = b->at + FRAME_HEAD_BYTES;
    uint32_t word = *b->text == 'P' ? 0 : BURST_WORD;
    b->text_length = place->name_length + BURST_WORD - word;
    if (length < b->text_length || length > HEAD_MAX ||
        n < FRAME_HEAD_BYTES + frame_size(length) ||
        !bytes_are_equal(b->text, place->text + word, b->text_length) ||
        !message_tail_read(&tail, b->text + b->text_length,
                           length - b->text_length))
        return false;
    burst_split(b, &tail, b->text + length);
    uint32_t body = frame_get_length(b->at + frame_size(length));
    b->least = (uint32_t)frame_size(body) + tail.headers_length + BURST_SLACK;
    b->unit_size = frame_size(length) + frame_size(body);
    b->unit_rid = b->has_rid ? RID_BEFORE + tail.rid_length : 0;
    return body <= burst_limit(b->session) && n >= b->unit_size;
}

/* Whether what is published to the channel now is simply added to it. */
static bool burst_is_simple(const struct burst *b)
{
    const struct channel *ch = b->channel;
    const struct core *core = b->session->all->core;
    return ch && (ch->member_count > 0 || channel_is_queue(ch)) &&
           !core_is_stopping(core) &&
           (!(b->options & (TAIL_SYNC | TAIL_ROUTE)) ||
            keeper_is_open(&core->keeper)) &&
           (!(b->options & TAIL_SYNC) || core_store_state(core) == STORE_OPEN);
}

static uint64_t answers_left(const struct session *s)
{
    uint64_t owed = s->units ? s->units->answers->bytes : 0;
    return owed < UNITS_ANSWERS_MAX ? UNITS_ANSWERS_MAX - owed : 0;
}

static bool burst_find_receipts(struct burst *b)
{
    struct session *s = b->session;
    struct counts *c = &b->counts;
    size_t messages = (size_t)(b->end - b->at) / b->unit_size;
    bool is_synced = b->options & TAIL_SYNC;
    b->is_late =
        (is_synced || synced_is_waiting(s)) && queue_is_durable(b->channel);
    uint64_t left = b->is_late ? synced_left(s) : answers_left(s);
    uint32_t room, wanted = RECEIPTS_MAX;
    if (left < RECEIPT_MAX)
        return false;
    if (wanted > left)
        wanted = (uint32_t)left;
    c->is_synced = is_synced && b->is_late;
    c->receipt = channel_receipt(b->channel);
    c->receipt.waits++;
    counts_write(c);
    size_t size = RECEIPT_BEFORE + b->unit_rid + message_head_digits(&b->head) +
                  c->length;
    if (messages * size + RECEIPT_MAX < wanted)
        wanted = (uint32_t)(messages * size) + RECEIPT_MAX;
    b->receipt = b->receipts = b->is_late ? synced_room(s, wanted, &room)
                                          : units_answer_room(s, wanted, &room);
    if (!b->receipt)
        return false;
    if (room > left)
        room = (uint32_t)left;
    b->last_receipt = b->receipt + room - RECEIPT_MAX;
    return true;
}

static bool burst_find_room(struct burst *b)
{
    struct channel *ch = b->channel;
    uint64_t open_room = channel_open_room(ch);
    if (open_room < b->least)
        return false;
    message_head_init(&b->head, ch);
    message_head_set(&b->head, channel_last_number(ch) + 1);
    if (!channel_is_new(ch, b->head.number))
        b->out = channel_dressed_tail(ch, b->least, &b->room);
    b->is_dressed = b->out != NULL;
    if (b->is_dressed)
        b->has_headers |= b->rest_length > 0; /* rare: read one by one */
    else if (b->has_headers)
        return false;
    if (!b->is_dressed)
        b->out = channel_bare_tail(ch, b->least, &b->room);
    if (b->room > open_room)
        b->room = (uint32_t)open_room;
    return b->out && (!b->has_rid || burst_find_receipts(b));
}

static bool burst_answer(const struct burst *b)
{
    uint32_t bytes = (uint32_t)(b->receipt - b->receipts);
    return b->is_late ? synced_added(b->session, bytes, b->messages)
                      : units_answers_added(b->session, bytes, b->messages);
}

static struct verdict burst_end(struct burst *b, const uint8_t *begin)
{
    struct session *s = b->session;
    uint32_t bytes = (uint32_t)(b->out - begin);
    if (b->messages == 0)
        return verdict(VERDICT_GO_ON);
    /* Nothing has closed the gate since the room was found. */
    if (b->is_dressed)
        (void)channel_dressed_appended(b->channel, bytes, b->messages);
    else
        (void)channel_appended(b->channel, bytes, b->messages);
    s->pub.messages_in += b->messages;
    counter_add(s->all->counters, COUNT_messages_in, b->messages);
    if (b->has_rid && !burst_answer(b))
        return verdict_close(REASON_NO_MEMORY);
    return verdict(VERDICT_GO_ON);
}

struct verdict burst_take(struct session *s, const uint8_t **at,
                          const uint8_t *end)
{
    const struct burst_place *place = place_of(s);
    struct burst b;
    b.session = s;
    b.channel = channel_ref_get(&place->channel, s->all->core);
    b.at = *at;
    b.end = end;
    b.out = NULL;
    b.messages = 0;
    if (place->session != s->id || !burst_begins(&b, place) ||
        !burst_is_simple(&b) || !burst_find_room(&b))
        return verdict(VERDICT_GO_ON);
    const uint8_t *begin = b.out;
    burst_run(&b);
    *at = b.at;
    return burst_end(&b, begin);
}
