/* SPDX-License-Identifier: MIT */
#include "broker/core/pressure.h"

#include "broker/core/core.h"

enum {
    RELIEF_PERCENT = 75,
    SWEEP_SLOTS = 256, /* at once */
    LIGHT_MAX = 256,   /* looked at in one turn */
};

/* What is to be remembered of a channel that holds much, or that is asked as
 * the last resort. Of the former there can only be so many, and each turn
 * looks at all; of the latter there may be as many as memory has room for, and
 * each turn looks at some. */
struct heavy {
    struct list link; /* in one of the core's lists */
    struct channel *channel;
    uint64_t pressed_bytes; /* what it held when it was pressed, or 0 */
    bool is_light;
};

static bool channel_is_heavy(const struct channel *ch)
{
    return ch->account.bytes > CHANNEL_PRESS_BYTES;
}

static bool pressure_is_over(const struct core *c)
{
    uint64_t limit = c->budget->limit_bytes;
    return budget_level(c->budget) < limit / 100 * RELIEF_PERCENT;
}

static void heavy_list(struct heavy *h)
{
    struct core *c = h->channel->core;
    h->is_light = !channel_is_heavy(h->channel);
    list_remove(&h->link);
    list_insert(h->is_light ? &c->light : &c->heavy, &h->link);
}

static void pressure_remember(struct channel *ch)
{
    struct heavy *h = budget_zalloc(ch->core->budget, sizeof *h);
    if (!h)
        return; /* it will be weighed again */
    h->channel = ch;
    ch->heavy = h;
    list_init(&h->link);
    heavy_list(h);
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

bool pressure_is_on(const struct channel *ch)
{
    return ch->heavy && ch->heavy->pressed_bytes > 0;
}

static void pressure_relieve(struct heavy *h)
{
    h->pressed_bytes = 0;
    if (h->channel->kind->relieve)
        h->channel->kind->relieve(h->channel);
}

static void pressure_ask(struct heavy *h, bool is_last_resort)
{
    struct channel *ch = h->channel;
    struct core *c = ch->core;
    if (h->pressed_bytes == 0) {
        counter_add(c->counters, COUNT_pressed, 1);
        h->pressed_bytes = ch->account.bytes;
        c->owner.pressed(c->owner.arg, ch);
    }
    ch->kind->press(ch, is_last_resort);
}

/* Forgets it when it is neither heavy nor pressed any more. */
static void pressure_ease_one(struct heavy *h, bool is_over)
{
    uint64_t bytes = h->channel->account.bytes;
    if (h->pressed_bytes > 0 && (is_over || bytes <= h->pressed_bytes / 2))
        pressure_relieve(h);
    if (h->pressed_bytes == 0 && !channel_is_heavy(h->channel))
        pressure_forget(h->channel);
}

static void pressure_sort(struct channel *ch, bool is_last_resort)
{
    bool is_light = ch->heavy && ch->heavy->is_light;
    uint64_t bytes = ch->account.bytes;
    /* When nothing is left the many small ones matter as well. */
    if (!ch->heavy && (channel_is_heavy(ch) || (is_last_resort && bytes > 0)))
        pressure_remember(ch);
    else if (is_light && channel_is_heavy(ch))
        heavy_list(ch->heavy);
    else if (is_light && (!is_last_resort || bytes == 0))
        pressure_ease_one(ch->heavy, pressure_is_over(ch->core));
}

/* Those that grow do not wait for their turn among all that are small, or they
 * would outgrow the memory meanwhile. */
void pressure_weigh(struct channel *ch)
{
    bool is_last_resort = !budget_has_room(ch->core->budget, 0);
    pressure_sort(ch, is_last_resort);
    if (is_last_resort && ch->heavy && ch->account.bytes > 0)
        pressure_ask(ch->heavy, true);
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
            pressure_ask(h, left == 0);
    }
}

static void pressure_ease(struct core *c)
{
    bool is_over = pressure_is_over(c);
    LIST_EACH_SAFE (link, &c->heavy)
        pressure_ease_one(LIST_OF(link, struct heavy, link), is_over);
}

static void pressure_visit_light(struct heavy *h)
{
    struct core *c = h->channel->core;
    if (h->channel->account.bytes > 0 && !budget_has_room(c->budget, 0))
        pressure_ask(h, true);
    else
        pressure_ease_one(h, pressure_is_over(c));
}

/* Those seen go to the end of the list, so that all have their turn. */
static void pressure_visit_some(struct core *c)
{
    struct list *last = c->light.prev, *link = NULL;
    for (int i = 0; i < LIGHT_MAX && link != last; i++) {
        link = c->light.next;
        heavy_list(LIST_OF(link, struct heavy, link));
        pressure_visit_light(LIST_OF(link, struct heavy, link));
    }
}

bool pressure_has_work(const struct core *c)
{
    return !list_is_empty(&c->light) && pressure_is_over(c);
}

static void pressure_sweep_one(struct map_node *node, void *arg)
{
    (void)arg;
    pressure_sort(LIST_OF(node, struct channel, node), true);
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
    if (!list_is_empty(&c->heavy)) {
        if (budget_is_short(c->budget))
            pressure_apply(c);
        pressure_ease(c);
    }
    if (!list_is_empty(&c->light))
        pressure_visit_some(c);
}
