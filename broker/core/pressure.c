/* SPDX-License-Identifier: MIT */
#include "broker/core/pressure.h"

#include "broker/core/channel.h"
#include "broker/core/directory.h"
#include "broker/core/turn.h"

enum {
    RELIEF_PERCENT = 75,
    SWEEP_SLOTS = 256, /* at once */
    SMALL_MAX = 256,   /* looked at in one turn */
};

/* Bookkeeping for a channel that holds much, or that is pressed because memory
 * is exhausted. Of the former there can only be so many, and each turn looks
 * at all; of the latter there may be as many as memory has room for, and each
 * turn looks at some. */
struct load {
    struct list link; /* in one of the lists of the pressure */
    struct channel *channel;
    uint64_t pressed_bytes; /* what it held when it was pressed, or 0 */
    bool is_small;
};

void pressure_init(struct pressure *p, const struct directory *directory,
                   const struct budget *budget)
{
    *p = (struct pressure){.directory = directory, .budget = budget};
    list_init(&p->large);
    list_init(&p->small);
}

static bool channel_is_large(const struct channel *ch)
{
    return ch->account.bytes > CHANNEL_PRESS_BYTES;
}

static bool pressure_is_exhausted(const struct pressure *p)
{
    return !budget_has_room(p->budget, 0);
}

static bool pressure_is_over(const struct pressure *p)
{
    const struct budget *b = p->budget;
    return budget_level(b) < b->limit_bytes / 100 * RELIEF_PERCENT;
}

static void load_list(struct pressure *p, struct load *l)
{
    l->is_small = !channel_is_large(l->channel);
    list_remove(&l->link);
    list_insert(l->is_small ? &p->small : &p->large, &l->link);
}

static void pressure_remember(struct pressure *p, struct channel *ch)
{
    struct load *l = budget_zalloc(ch->turn->budget, sizeof *l);
    if (!l)
        return; /* it will be weighed again */
    l->channel = ch;
    ch->load = l;
    list_init(&l->link);
    load_list(p, l);
}

void pressure_forget(struct channel *ch)
{
    struct load *l = ch->load;
    if (!l)
        return;
    list_remove(&l->link);
    ch->load = NULL;
    budget_free(ch->turn->budget, l, sizeof *l);
}

bool pressure_is_on(const struct channel *ch)
{
    return ch->load && ch->load->pressed_bytes > 0;
}

static void load_relieve(struct load *l)
{
    l->pressed_bytes = 0;
    if (l->channel->kind->relieve)
        l->channel->kind->relieve(l->channel);
}

static void load_press(struct load *l, bool is_exhausted)
{
    struct channel *ch = l->channel;
    const struct core_owner *owner = &ch->turn->owner;
    if (l->pressed_bytes == 0) {
        counter_add(ch->turn->counters, COUNT_pressed, 1);
        l->pressed_bytes = ch->account.bytes;
        owner->pressed(owner->arg, ch);
    }
    ch->kind->press(ch, is_exhausted);
}

/* Relieves it when it has fallen, and forgets it when it is neither large nor
 * pressed any more. */
static void load_ease(struct load *l, bool is_over)
{
    uint64_t bytes = l->channel->account.bytes;
    if (l->pressed_bytes > 0 && (is_over || bytes <= l->pressed_bytes / 2))
        load_relieve(l);
    if (l->pressed_bytes == 0 && !channel_is_large(l->channel))
        pressure_forget(l->channel);
}

static void pressure_sort(struct pressure *p, struct channel *ch,
                          bool is_exhausted)
{
    bool is_small = ch->load && ch->load->is_small;
    uint64_t bytes = ch->account.bytes;
    if (!ch->load && (channel_is_large(ch) || (is_exhausted && bytes > 0)))
        pressure_remember(p, ch);
    else if (is_small && channel_is_large(ch))
        load_list(p, ch->load);
    else if (is_small && (!is_exhausted || bytes == 0))
        load_ease(ch->load, pressure_is_over(p));
}

/* A channel that grows is pressed at once: waiting for the sweep could take
 * it past the limit. */
void pressure_weigh(struct pressure *p, struct channel *ch)
{
    bool is_exhausted = pressure_is_exhausted(p);
    pressure_sort(p, ch, is_exhausted);
    if (is_exhausted && ch->load && ch->account.bytes > 0)
        load_press(ch->load, true);
}

static void pressure_press_large(struct pressure *p)
{
    const struct budget *b = p->budget;
    uint64_t limit = b->limit_bytes, level = budget_level(b);
    uint64_t left = level < limit ? limit - level : 0;
    uint64_t threshold = left / 2;
    if (left > 0 && threshold < CHANNEL_PRESS_BYTES)
        threshold = CHANNEL_PRESS_BYTES;
    LIST_EACH_SAFE (link, &p->large) {
        struct load *l = LIST_OF(link, struct load, link);
        if (l->channel->account.bytes > threshold)
            load_press(l, left == 0);
    }
}

static void pressure_ease_large(struct pressure *p)
{
    bool is_over = pressure_is_over(p);
    LIST_EACH_SAFE (link, &p->large)
        load_ease(LIST_OF(link, struct load, link), is_over);
}

/* Those seen go to the end of the list, so that all have their turn. */
static void pressure_visit_small(struct pressure *p)
{
    struct list *last = p->small.prev, *link = NULL;
    for (int i = 0; i < SMALL_MAX && link != last; i++) {
        link = p->small.next;
        struct load *l = LIST_OF(link, struct load, link);
        load_list(p, l);
        if (l->channel->account.bytes > 0 && pressure_is_exhausted(p))
            load_press(l, true);
        else
            load_ease(l, pressure_is_over(p));
    }
}

bool pressure_has_work(const struct pressure *p)
{
    return !list_is_empty(&p->small) && pressure_is_over(p);
}

static void pressure_sweep_one(struct channel *ch, void *arg)
{
    pressure_sort(arg, ch, true);
}

/* Small channels are weighed when they are published to. When memory is
 * exhausted, those that are not published to any more have to be found. */
static void pressure_sweep(struct pressure *p)
{
    p->swept_slots = directory_visit(p->directory, p->swept_slots, SWEEP_SLOTS,
                                     pressure_sweep_one, p);
}

void pressure_update(struct pressure *p)
{
    const struct budget *b = p->budget;
    if (b->limit_bytes == 0)
        return;
    if (pressure_is_exhausted(p))
        pressure_sweep(p);
    if (!list_is_empty(&p->large)) {
        if (budget_is_short(b))
            pressure_press_large(p);
        pressure_ease_large(p);
    }
    if (!list_is_empty(&p->small))
        pressure_visit_small(p);
}
