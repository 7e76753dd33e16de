/* SPDX-License-Identifier: MIT */
#include "tests/unit/numbering.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { NUMBERED = 1 << 15 }; /* the last ones of a channel are remembered */

struct numbered {
    int publisher;
    uint32_t message;
};

struct numbered_channel {
    bool exists;
    uint64_t last;
    struct numbered messages[NUMBERED];
};

struct numbering {
    uint64_t floor; /* the highest number in channels that are gone */
    struct numbered_channel channels[];
};

struct numbering *numbering_new(int channels)
{
    struct numbering *n = NULL;
    return calloc(1, sizeof *n +
                         (size_t)channels * sizeof(struct numbered_channel));
}

void numbering_free(struct numbering *n)
{
    free(n);
}

void numbering_write(uint8_t *body, uint32_t bytes, int publisher, int channel,
                     uint32_t message)
{
    body[0] = (uint8_t)publisher;
    body[1] = (uint8_t)channel;
    memcpy(body + 2, &message, sizeof message);
    memset(body + 6, (int)(message & 0xff), bytes - 6);
}

void numbering_note(struct numbering *n, int channel, int publisher,
                    uint32_t message)
{
    struct numbered_channel *c = &n->channels[channel];
    if (!c->exists)
        c->last = n->floor;
    c->exists = true;
    c->messages[++c->last % NUMBERED] = (struct numbered){publisher, message};
}

void numbering_check(struct numbering *n, int channel, const struct channel *ch)
{
    struct numbered_channel *c = &n->channels[channel];
    if (ch && !c->exists)
        c->last = ch->base;
    if (ch)
        assert_int_equal(ch->number, c->last);
    else if (c->exists && c->last > n->floor)
        n->floor = c->last;
    c->exists = ch != NULL;
}

void numbering_check_floor(const struct numbering *n, uint64_t floor)
{
    assert_int_equal(n->floor, floor);
}

static void check_message(const struct numbered_channel *c, uint64_t number,
                          const uint8_t *body)
{
    const struct numbered *m = &c->messages[number % NUMBERED];
    uint32_t message;
    memcpy(&message, body + 2, sizeof message);
    assert_int_equal(body[0], m->publisher);
    assert_int_equal(message, m->message);
}

void numbering_check_backlog(const struct numbering *n, int channel,
                             const struct backlog *b, message_size_fn *size,
                             uint32_t head_bytes)
{
    const struct numbered_channel *c = &n->channels[channel];
    uint64_t next = 1;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct slice *s = backlog_at(b, i);
        const uint8_t *message = slice_bytes(s);
        assert_true(s->first >= next && s->messages > 0);
        for (next = s->first; next < s->first + s->messages; next++) {
            check_message(c, next, message + head_bytes);
            message += size(message);
        }
        assert_ptr_equal(message, slice_bytes(s) + s->length);
    }
    assert_true(next <= c->last + 1);
}
