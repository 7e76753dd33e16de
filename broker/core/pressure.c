/* SPDX-License-Identifier: MIT */
#include "broker/core/pressure.h"

#include "broker/core/core.h"

enum {
    RELIEF_PERCENT = 75,
    SWEEP_SLOTS = 256, /* at once */
};

/* What is to be remembered of a channel that holds much. */
struct heavy {
    struct list link; /* in the core's list */
    struct channel *channel;
    uint64_t pressed_bytes; /* what it held when it was pressed, or 0 */
};

void pressure_weigh(struct channel *ch)
{
    struct core *c = ch->core;
    /* When nothing is left the many small ones matter as well. */
    bool is_last_resort = !budget_has_room(c->budget, 0);
    bool is_heavy =
        ch->account.bytes > (is_last_resort ? 0 : CHANNEL_PRESS_BYTES);
    if (!is_heavy || ch->heavy)
        return;
    struct heavy *h = budget_zalloc(c->budget, sizeof *h);
    if (!h)
        return; /* it will be weighed again */
    h->channel = ch;
    ch->heavy = h;
    list_insert(&c->heavy, &h->link);
}

void pressure_forget(struct channel *ch)
{
    struct heavy *h = ch->heavy;
    if (!h)
        return;
    list_remove(&h->link);
    ch->heavy = NULL;
    budget_free(ch->core->budget, h, sizeof *h);
}

static void pressure_relieve(struct heavy *h)
{
    h->pressed_bytes = 0;
    if (h->channel->kind->relieve)
        h->channel->kind->relieve(h->channel);
}

static void pressure_press(struct heavy *h, bool is_last_resort)
{
    struct core *c = h->channel->core;
    if (h->pressed_bytes == 0) {
        counter_add(c->counters, COUNT_pressed, 1);
        h->pressed_bytes = h->channel->account.bytes;
        c->notices.pressed(c->notices.arg, h->channel);
    }
    struct channel *ch = h->channel;
    ch->kind->press(ch, is_last_resort);
    channel_free_unused(ch); /* and h with it */
}

static void pressure_apply(struct core *c)
{
    uint64_t limit = c->budget->limit_bytes, level = budget_level(c->budget);
    uint64_t left = level < limit ? limit - level : 0;
    uint64_t threshold = left / 2;
    if (left > 0 && threshold < CHANNEL_PRESS_BYTES)
        threshold = CHANNEL_PRESS_BYTES;
    LIST_EACH_SAFE (link, &c->heavy) {
        struct heavy *h = LIST_OF(link, struct heavy, link);
        if (h->channel->account.bytes > threshold)
            pressure_press(h, left == 0);
    }
}

/* Leaves in the list those that are still heavy. */
static void pressure_ease(struct core *c)
{
    uint64_t limit = c->budget->limit_bytes;
    bool is_over = budget_level(c->budget) < limit / 100 * RELIEF_PERCENT;
    LIST_EACH_SAFE (link, &c->heavy) {
        struct heavy *h = LIST_OF(link, struct heavy, link);
        uint64_t bytes = h->channel->account.bytes;
        if (h->pressed_bytes > 0 && (is_over || bytes <= h->pressed_bytes / 2))
            pressure_relieve(h);
        if (bytes <= CHANNEL_PRESS_BYTES && h->pressed_bytes == 0)
            pressure_forget(h->channel);
    }
}

static void pressure_sweep_one(struct map_node *node, void *arg)
{
    (void)arg;
    pressure_weigh(LIST_OF(node, struct channel, node));
}

/* Channels that hold little are weighed when somebody publishes to them. When
 * nothing is left, those that nobody thinks of any more have to be found. */
static void pressure_sweep(struct core *c)
{
    c->swept_slots = map_visit(&c->channels, c->swept_slots, SWEEP_SLOTS,
                               pressure_sweep_one, NULL);
}

void pressure_update(struct core *c)
{
    if (c->budget->limit_bytes == 0)
        return;
    if (!budget_has_room(c->budget, 0))
        pressure_sweep(c);
    if (list_is_empty(&c->heavy))
        return;
    if (budget_is_short(c->budget))
        pressure_apply(c);
    pressure_ease(c);
}
