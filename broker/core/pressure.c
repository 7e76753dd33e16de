/* SPDX-License-Identifier: MIT */
#include "broker/core/pressure.h"

#include "broker/core/channel.h"
#include "broker/core/directory.h"
#include "broker/core/turn.h"

enum {
    RELIEF_PERCENT = 75,
    SWEEP_SLOTS = 256, /* of the directory, in one turn */
};

/* Bookkeeping for a channel that is large or pressed. Of large ones there can
 * only be so many, and each turn looks at all of them. Small ones are pressed
 * only when memory is exhausted, and may be as many as there are channels. */
struct load {
    struct list link; /* in the list of the large ones, or in none */
    struct channel *channel;
    uint64_t pressed_bytes; /* what it held when it was pressed, or 0 */
};

void pressure_init(struct pressure *p, const struct directory *directory,
                   const struct budget *budget)
{
    *p = (struct pressure){.directory = directory, .budget = budget};
    list_init(&p->large);
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

/* Without memory nothing is remembered: it will be weighed again. */
static void load_new(struct channel *ch)
{
    struct load *l = budget_zalloc(ch->turn->budget, sizeof *l);
    ch->load = l;
    if (!l)
        return;
    l->channel = ch;
    list_init(&l->link);
}

static void load_free(struct load *l)
{
    list_remove(&l->link);
    l->channel->load = NULL;
    budget_free(l->channel->turn->budget, l, sizeof *l);
}

static void load_press(struct pressure *p, struct load *l)
{
    struct channel *ch = l->channel;
    const struct core_owner *owner = &ch->turn->owner;
    if (l->pressed_bytes == 0) {
        counter_add(ch->turn->counters, COUNT_pressed, 1);
        p->pressed_count++;
        l->pressed_bytes = ch->account.bytes > 0 ? ch->account.bytes : 1;
        owner->pressed(owner->arg, ch);
    }
    ch->kind->press(ch, pressure_is_exhausted(p));
}

static void load_relieve(struct pressure *p, struct load *l)
{
    p->pressed_count--;
    l->pressed_bytes = 0;
    if (l->channel->kind->relieve)
        l->channel->kind->relieve(l->channel);
}

/* Relieves it when it has fallen, and forgets it when it is neither large nor
 * pressed any more. */
static void load_ease(struct pressure *p, struct load *l)
{
    uint64_t bytes = l->channel->account.bytes;
    if (l->pressed_bytes > 0 &&
        (pressure_is_over(p) || bytes <= l->pressed_bytes / 2))
        load_relieve(p, l);
    if (l->pressed_bytes == 0 && !channel_is_large(l->channel))
        load_free(l);
}

/* When memory is exhausted a channel that grows is pressed at once: waiting
 * for the sweep could take it past the limit. */
void pressure_weigh(struct pressure *p, struct channel *ch)
{
    bool is_exhausted = pressure_is_exhausted(p) && ch->account.bytes > 0;
    if (!ch->load && (is_exhausted || channel_is_large(ch)))
        load_new(ch);
    struct load *l = ch->load;
    if (!l)
        return;
    if (channel_is_large(ch) && list_is_empty(&l->link))
        list_insert(&p->large, &l->link);
    if (is_exhausted)
        load_press(p, l);
    load_ease(p, l);
}

void pressure_expect(struct pressure *p, struct channel *ch)
{
    if (!ch->kind->is_lossless || !pressure_is_exhausted(p))
        return;
    if (!ch->load)
        load_new(ch);
    if (ch->load)
        load_press(p, ch->load);
}

void pressure_forget(struct pressure *p, struct channel *ch)
{
    if (pressure_is_on(ch))
        load_relieve(p, ch->load);
    if (ch->load)
        load_free(ch->load);
}

bool pressure_is_on(const struct channel *ch)
{
    return ch->load && ch->load->pressed_bytes > 0;
}

/* The largest come first: those that hold more than half of what is left. */
static void pressure_press_large(struct pressure *p)
{
    const struct budget *b = p->budget;
    uint64_t limit = b->limit_bytes, level = budget_level(b);
    uint64_t threshold = level < limit ? (limit - level) / 2 : 0;
    if (threshold < CHANNEL_PRESS_BYTES)
        threshold = CHANNEL_PRESS_BYTES;
    LIST_EACH_SAFE (link, &p->large) {
        struct load *l = LIST_OF(link, struct load, link);
        if (l->channel->account.bytes > threshold)
            load_press(p, l);
    }
}

static void pressure_ease_large(struct pressure *p)
{
    LIST_EACH_SAFE (link, &p->large)
        load_ease(p, LIST_OF(link, struct load, link));
}

static void pressure_sweep_one(struct channel *ch, void *arg)
{
    pressure_weigh(arg, ch);
}

/* Channels are weighed when they are published to. When memory is exhausted,
 * the small ones that are not any more have to be found, and when it is not,
 * those of them that are to be relieved. */
static void pressure_sweep(struct pressure *p)
{
    p->swept_slots = directory_visit(p->directory, p->swept_slots, SWEEP_SLOTS,
                                     pressure_sweep_one, p);
}

bool pressure_has_work(const struct pressure *p)
{
    return p->pressed_count > 0 && pressure_is_over(p);
}

void pressure_update(struct pressure *p)
{
    const struct budget *b = p->budget;
    if (b->limit_bytes == 0)
        return;
    if (!list_is_empty(&p->large)) {
        if (budget_is_short(b))
            pressure_press_large(p);
        pressure_ease_large(p);
    }
    if (pressure_is_exhausted(p) || pressure_has_work(p))
        pressure_sweep(p);
}
