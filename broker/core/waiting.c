/* SPDX-License-Identifier: MIT */
#include "broker/core/waiting.h"

#include "broker/core/core.h"

/* NULL when there is no such channel. What it was sent in this turn is with
 * the rest. */
static struct channel *waiting_find(struct core *c, const uint8_t *name,
                                    uint32_t length)
{
    struct channel *ch = directory_find(&c->directory, name, length);
    if (ch)
        channel_commit(ch);
    return ch;
}

static struct waiting waiting_in(const struct channel *ch)
{
    const struct backlog *b = ch->kind->held(ch);
    return (struct waiting){b->messages, b->bytes};
}

static bool waiting_show_slice(const struct core *c, const struct slice *s,
                               waiting_fn *visit, void *arg)
{
    uint32_t age_ms = clock_elapsed_ms(c->turn.now, s->at);
    for (uint32_t at = 0; at < s->length;) {
        const uint8_t *message = slice_bytes(s) + at;
        uint32_t n = c->turn.config.message_size(message);
        if (!visit(arg, message, n, age_ms))
            return false;
        at += n;
    }
    return true;
}

struct waiting waiting_show(struct core *c, const uint8_t *name,
                            uint32_t length, waiting_fn *visit, void *arg)
{
    struct channel *ch = waiting_find(c, name, length);
    if (!ch)
        return (struct waiting){0, 0};
    const struct backlog *b = ch->kind->held(ch);
    for (uint32_t i = 0; i < b->count; i++)
        if (!waiting_show_slice(c, backlog_at(b, i), visit, arg))
            break;
    return waiting_in(ch);
}

/* So many slices from the front can be dropped at once: each is freed on its
 * own, and memory given back to the system takes time by its size. */
static uint32_t waiting_share(const struct backlog *b)
{
    uint64_t bytes = 0;
    uint32_t n = 0;
    while (n < b->count && n < WAITING_PURGE_SLICES &&
           (n == 0 || bytes < WAITING_PURGE_BYTES))
        bytes += backlog_at(b, n++)->length;
    return n;
}

struct waiting waiting_purge(struct core *c, const uint8_t *name,
                             uint32_t length, struct waiting *left)
{
    struct channel *ch = waiting_find(c, name, length);
    *left = (struct waiting){0, 0};
    if (!ch)
        return *left;
    struct waiting before = waiting_in(ch);
    uint64_t dropped = ch->kind->purge(ch, waiting_share(ch->kind->held(ch)));
    channel_count_dropped(ch, dropped, COUNT_purged);
    channel_touch(ch);
    *left = waiting_in(ch);
    return (struct waiting){dropped, before.bytes - left->bytes};
}
