/* SPDX-License-Identifier: MIT */
#include "broker/core/waiting.h"

#include "broker/core/core.h"
#include "broker/core/held.h"

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
    struct depth d = channel_depth(ch);
    return (struct waiting){d.messages, d.bytes};
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

/* What has come back, in order: it is taken out of its heap as far as it is
 * shown, and put in again. False when the visit is over. */
static bool waiting_show_returned(const struct core *c, struct ledger *l,
                                  waiting_fn *visit, void *arg)
{
    struct list shown, *link;
    bool goes_on = true;
    list_init(&shown);
    while (goes_on && l->returned) {
        struct held *h = ledger_pop_returned(l);
        list_insert(&shown, &h->link);
        goes_on = waiting_show_slice(c, &h->slice, visit, arg);
    }
    while ((link = list_pop(&shown)) != NULL)
        ledger_return(l, LIST_OF(link, struct held, link));
    return goes_on;
}

struct waiting waiting_show(struct core *c, const uint8_t *name,
                            uint32_t length, waiting_fn *visit, void *arg)
{
    struct channel *ch = waiting_find(c, name, length);
    if (!ch)
        return (struct waiting){0, 0};
    const struct backlog *b = ch->kind->held(ch);
    struct ledger *l = channel_ledger(ch);
    bool goes_on = !l || waiting_show_returned(c, l, visit, arg);
    for (uint32_t i = 0; goes_on && i < b->count; i++)
        goes_on = waiting_show_slice(c, backlog_at(b, i), visit, arg);
    return waiting_in(ch);
}

/* So many slices from the front can be dropped at once: each is freed on its
 * own, and memory given back to the system takes time by its size. What has
 * come back is in front. */
static uint32_t waiting_share(const struct channel *ch)
{
    const struct backlog *b = ch->kind->held(ch);
    const struct ledger *l = channel_ledger(ch);
    uint64_t bytes = 0;
    uint32_t n = 0;
    if (l && l->returned) {
        uint64_t each = l->returned_bytes / l->returned_count;
        return each * WAITING_PURGE_SLICES <= WAITING_PURGE_BYTES
                   ? WAITING_PURGE_SLICES
                   : (uint32_t)(WAITING_PURGE_BYTES / each + 1);
    }
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
    uint64_t dropped = ch->kind->purge(ch, waiting_share(ch));
    channel_count_dropped(ch, dropped, COUNT_purged);
    channel_touch(ch);
    *left = waiting_in(ch);
    return (struct waiting){dropped, before.bytes - left->bytes};
}
