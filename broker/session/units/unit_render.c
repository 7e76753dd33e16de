/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_render.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/channel.h"
#include "broker/session/units/message_head.h"
#include "broker/session/units/pledges.h"
#include "proto/decimal.h"
#include "proto/frame.h"
#include "proto/head.h"
#include "proto/spelling.h"

enum {
    /* Besides the channel and the text: verb, numbers, options. */
    HEAD_REST_MAX = 128,
    ANSWERS_AT_ONCE = (RENDER_IOVS - 8) / 2,
};

struct unit_render *unit_render_new(void)
{
    return malloc(sizeof(struct unit_render));
}

void unit_render_begin(struct unit_render *r)
{
    r->iovs = 0;
    r->bytes = 0;
    r->count = r->used = 0;
}

void unit_render_pledged(struct unit_render *r, size_t bytes)
{
    if (bytes > 0)
        r->iov[r->iovs++] = (struct iovec){r->room, bytes};
}

static void render_iov(struct unit_render *r, const uint8_t *bytes, size_t n)
{
    struct iovec *last = r->iovs > 0 ? &r->iov[r->iovs - 1] : NULL;
    r->bytes += n;
    if (last && (uint8_t *)last->iov_base + last->iov_len == bytes)
        last->iov_len += n;
    else
        r->iov[r->iovs++] = (struct iovec){(void *)(uintptr_t)bytes, n};
}

/* Bytes that were put at the end of the room. */
static void render_copied(struct unit_render *r, size_t n)
{
    render_iov(r, r->room + r->used, n);
    r->used += (uint32_t)n;
}

bool unit_render_backlog(struct unit_render *r, const struct backlog *b,
                         enum piece_kind kind)
{
    size_t bytes;
    if (b->bytes == 0)
        return true;
    r->iovs += backlog_iov(b, r->iov + r->iovs, ANSWERS_AT_ONCE, &bytes);
    r->bytes += bytes;
    r->pieces[r->count++] =
        (struct piece){.bytes = (uint32_t)bytes, .kind = (uint8_t)kind};
    return bytes == b->bytes;
}

/* What the units of one lane have in common. */
struct lane_heads {
    struct subscriber *sub;
    struct message_head head;
};

static void heads_of(struct lane_heads *h, struct subscriber *sub)
{
    h->sub = sub;
    h->head.size = 0;
}

/* Spelled only where a head is written: dressed messages have theirs. */
static void spell(struct lane_heads *h)
{
    if (h->head.size == 0)
        message_head_init(&h->head, h->sub->channel);
}

static char *put(char *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static char *put_number(char *at, uint64_t number)
{
    return at + decimal_put(at, number);
}

static bool is_new(const struct lane_heads *h, uint64_t number)
{
    return channel_is_new(h->sub->channel, number) &&
           !channel_is_queue(h->sub->channel);
}

/* The head frame of a message. Returns its end. */
static uint8_t *put_message(uint8_t *out, struct lane_heads *h, uint64_t number,
                            const struct slice *slice)
{
    const uint8_t *text;
    uint32_t text_length = slice_text(slice, &text);
    spell(h);
    message_head_set(&h->head, number);
    char *at = (char *)message_head_put(&h->head, out);
    if (is_new(h, number))
        at = PUT(at, " new=1");
    if (slice->tries > 0)
        at = put_number(PUT(at, " try="), slice->tries + 1u);
    if (text_length > 0)
        at = put(at, (const char *)text, text_length);
    frame_put_length(out, (uint32_t)((uint8_t *)at - out) - FRAME_HEAD_BYTES);
    return (uint8_t *)at;
}

/* The whole unit of a gap. */
static char *put_gap(char *out, struct lane_heads *h, uint64_t first,
                     uint64_t last, bool is_memory)
{
    static const uint8_t no_body[FRAME_HEAD_BYTES] = {0};
    enum { NAME_AT = FRAME_HEAD_BYTES + MESSAGE_HEAD_WORD };
    char *at = PUT(out + FRAME_HEAD_BYTES, "GAP ");
    spell(h);
    at = put(at, (const char *)h->head.frame + NAME_AT,
             h->head.number_at - NAME_AT); /* with the space behind it */
    at = put_number(at, first);
    *at++ = ' ';
    at = put_number(at, last);
    if (channel_is_new(h->sub->channel, first))
        at = PUT(at, " new=1");
    at = is_memory ? PUT(at, " why=memory") : PUT(at, " why=slow");
    frame_put_length((uint8_t *)out, (uint32_t)(at - out - FRAME_HEAD_BYTES));
    return put(at, (const char *)no_body, sizeof no_body);
}

/* Whether one more unit fits, with a text of so many bytes. */
static bool render_has_room(const struct unit_render *r, uint32_t text)
{
    return r->count < RENDER_PIECES && r->iovs + 2 <= RENDER_IOVS &&
           r->used + 2 * FRAME_HEAD_BYTES + SPELLING_CHANNEL_MAX +
                   HEAD_REST_MAX + text + RENDER_COPIED_MAX <=
               RENDER_BYTES;
}

/* `skip` bytes were written before. */
static void render_gap(struct unit_render *r, struct lane_heads *h,
                       uint64_t first, uint64_t last, bool is_memory,
                       uint32_t skip)
{
    char *out = (char *)r->room + r->used;
    uint32_t n = (uint32_t)(put_gap(out, h, first, last, is_memory) - out);
    r->used += skip;
    render_copied(r, n - skip);
    r->pieces[r->count++] = (struct piece){.sub = h->sub,
                                           .number = last,
                                           .gap_first = first,
                                           .bytes = n - skip,
                                           .kind = PIECE_GAP,
                                           .is_memory = is_memory,
                                           .skipped = skip};
}

static uint32_t size_of(const uint8_t *message)
{
    return FRAME_HEAD_BYTES + frame_get_length(message);
}

uint32_t unit_render_size(const uint8_t *unit)
{
    uint32_t head = size_of(unit);
    return head + size_of(unit + head);
}

/* A message whose head differs from that of the one before in more than the
 * number, or whose body is not copied. */
static void render_message(struct unit_render *r, struct lane_heads *h,
                           uint64_t number, const struct slice *slice,
                           const uint8_t *message, uint32_t skip)
{
    uint8_t *out = r->room + r->used;
    uint32_t size = size_of(message);
    uint32_t head = (uint32_t)(put_message(out, h, number, slice) - out);
    uint32_t total = head + size, copied = head;
    if (size <= RENDER_COPIED_MAX) {
        memcpy(out + head, message, size);
        copied = total;
    }
    if (skip < copied) {
        r->used += skip;
        render_copied(r, copied - skip);
    }
    if (copied < total) {
        uint32_t gone = skip > head ? skip - head : 0;
        render_iov(r, message + gone, size - gone);
    }
    r->pieces[r->count++] = (struct piece){.sub = h->sub,
                                           .number = number,
                                           .messages = 1,
                                           .outbox_bytes = size,
                                           .bytes = total - skip,
                                           .skipped = skip,
                                           .kind = PIECE_MESSAGES};
}

/* Messages that lie in the outbox with their heads. */
static void render_dressed(struct unit_render *r, struct subscriber *sub,
                           uint64_t number, uint32_t messages,
                           const uint8_t *units, uint32_t bytes, uint32_t skip)
{
    render_iov(r, units + skip, bytes - skip);
    r->pieces[r->count++] = (struct piece){.sub = sub,
                                           .number = number,
                                           .units = units,
                                           .messages = messages,
                                           .outbox_bytes = bytes,
                                           .bytes = bytes - skip,
                                           .skipped = skip,
                                           .kind = PIECE_MESSAGES,
                                           .is_dressed = true};
}

void unit_render_started(struct unit_render *r, const struct started *started)
{
    struct lane_heads h;
    heads_of(&h, started->sub);
    if (started->gap_first > 0) {
        render_gap(r, &h, started->gap_first, started->number,
                   started->is_memory, started->sent);
        return;
    }
    const struct backlog *outbox = started->sub->outbox;
    struct pledges_place place = pledges_place(outbox);
    const struct slice *slice = backlog_at(outbox, place.slice);
    const uint8_t *message = slice_bytes(slice) + place.offset;
    if (slice->is_dressed)
        render_dressed(r, started->sub, started->number, 1, message,
                       unit_render_size(message), started->sent);
    else
        render_message(r, &h, started->number, slice, message, started->sent);
}

/* Where a lane has come to. */
struct walk {
    uint64_t told; /* 0: it is not told of gaps */
    uint32_t slice;
    uint32_t offset; /* in the slice */
    uint32_t number; /* of the message in the slice */
};

/* Adds small messages from where the walk is on, in the same slice, as long as
 * their heads differ in the number alone. */
static void render_run(struct unit_render *r, struct lane_heads *h,
                       struct walk *w, const struct slice *slice)
{
    uint64_t number = slice->first + w->number;
    const uint8_t *begin = slice_bytes(slice) + w->offset, *message = begin;
    const uint8_t *end = slice_bytes(slice) + slice->length;
    uint8_t *units = r->room + r->used, *out = units;
    const uint8_t *last = r->room + RENDER_BYTES - MESSAGE_HEAD_MAX -
                          FRAME_HEAD_BYTES - RENDER_COPIED_MAX;
    uint32_t messages = 0;
    spell(h);
    message_head_move(&h->head, number);
    while (message < end && out <= last) {
        uint32_t size = size_of(message);
        if (size > RENDER_COPIED_MAX)
            break;
        out = message_head_put(&h->head, out);
        memmove(out, message, size); /* see backlog_gather() */
        out += size;
        message += size;
        messages++;
        message_head_next(&h->head);
    }
    if (messages == 0)
        return;
    render_copied(r, (size_t)(out - units));
    r->pieces[r->count++] =
        (struct piece){.sub = h->sub,
                       .number = number,
                       .units = units,
                       .messages = messages,
                       .outbox_bytes = (uint32_t)(message - begin),
                       .bytes = (uint32_t)(out - units),
                       .kind = PIECE_MESSAGES};
    w->offset += (uint32_t)(message - begin);
    w->number += messages;
}

/* Adds at least one message, if there is room. */
static void render_messages(struct unit_render *r, struct lane_heads *h,
                            struct walk *w, const struct slice *slice)
{
    uint32_t left = slice->messages - w->number;
    uint64_t number = slice->first + w->number;
    const uint8_t *message = slice_bytes(slice) + w->offset;
    if (slice->is_dressed) {
        render_dressed(r, h->sub, number, left, message,
                       slice->length - w->offset, 0);
        w->offset = slice->length;
        w->number += left;
    } else if (slice->has_text || slice->tries > 0 || is_new(h, number) ||
               size_of(message) > RENDER_COPIED_MAX) {
        render_message(r, h, number, slice, message, 0);
        w->offset += size_of(message);
        w->number++;
    } else {
        render_run(r, h, w, slice);
    }
}

static bool render_slice(struct unit_render *r, struct lane_heads *h,
                         struct walk *w)
{
    const struct backlog *b = h->sub->outbox;
    const struct slice *slice = backlog_at(b, w->slice);
    const uint8_t *text;
    uint32_t text_length = slice_text(slice, &text);
    while (w->offset < slice->length) {
        uint64_t number = slice->first + w->number;
        if (!render_has_room(r, text_length))
            return false;
        if (w->told > 0 && number > w->told) {
            render_gap(r, h, w->told, number - 1, b->is_memory, 0);
            w->told = number;
            continue;
        }
        render_messages(r, h, w, slice);
        w->told = w->told > 0 ? slice->first + w->number : 0;
    }
    return true;
}

/* Adds small messages that are slices of their own, as those of a queue are: a
 * piece whose numbers are in the outbox. */
static void render_singles(struct unit_render *r, struct lane_heads *h,
                           struct walk *w)
{
    const struct backlog *b = h->sub->outbox;
    uint8_t *units = r->room + r->used, *out = units;
    const uint8_t *last = r->room + RENDER_BYTES - MESSAGE_HEAD_MAX -
                          FRAME_HEAD_BYTES - RENDER_COPIED_MAX;
    uint32_t bytes = 0, begin = w->slice;
    if (!render_has_room(r, 0))
        return;
    spell(h);
    for (; w->slice < b->count && out <= last; w->slice++) {
        const struct slice *slice = backlog_at(b, w->slice);
        if (slice->messages > 1 || slice->has_text || slice->tries > 0 ||
            slice->length > RENDER_COPIED_MAX)
            break;
        message_head_move(&h->head, slice->first);
        out = message_head_put(&h->head, out);
        memmove(out, slice_bytes(slice), slice->length);
        out += slice->length;
        bytes += slice->length;
    }
    if (w->slice == begin)
        return;
    render_copied(r, (size_t)(out - units));
    r->pieces[r->count++] = (struct piece){.sub = h->sub,
                                           .units = units,
                                           .messages = w->slice - begin,
                                           .outbox_bytes = bytes,
                                           .bytes = (uint32_t)(out - units),
                                           .kind = PIECE_MESSAGES};
}

__attribute__((noinline, cold)) static struct walk
walk_past_pledged(const struct backlog *b)
{
    struct pledges_place place = pledges_place(b);
    return (struct walk){
        .slice = place.slice, .offset = place.offset, .number = place.message};
}

bool unit_render_lane(struct unit_render *r, struct subscriber *sub,
                      bool is_begun)
{
    const struct backlog *b = sub->outbox;
    struct lane_heads h;
    struct walk w = {.told = b->offered > 0 ? b->told + 1 : 0};
    heads_of(&h, sub);
    if (b->pledged > 0) /* of a queue, whose readers are not told of gaps */
        w = walk_past_pledged(b);
    if (is_begun && w.slice < b->count) {
        const struct slice *first = backlog_at(b, w.slice);
        w.offset +=
            slice_message_size(first, size_of, slice_bytes(first) + w.offset);
        w.number++;
        w.told = w.told > 0 ? first->first + w.number : 0;
    }
    while (w.slice < b->count) {
        if (w.told == 0 && w.offset == 0)
            render_singles(r, &h, &w);
        if (w.slice == b->count)
            break;
        if (!render_slice(r, &h, &w))
            return false;
        w.slice++;
        w.offset = w.number = 0;
    }
    if (w.told == 0 || w.told > b->offered)
        return true;
    if (!render_has_room(r, 0))
        return false;
    render_gap(r, &h, w.told, b->offered, b->is_memory, 0);
    return true;
}
