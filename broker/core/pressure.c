/* SPDX-License-Identifier: MIT */
#include "broker/core/pressure.h"

#include "broker/core/core.h"

enum { RELIEF_PERCENT = 75 };

void pressure_weigh(struct channel *ch)
{
    /* When nothing is left the many small ones matter as well. */
    bool is_last_resort = !budget_has_room(ch->core->budget, 0);
    bool is_heavy =
        ch->account.bytes > (is_last_resort ? 0 : CHANNEL_PRESS_BYTES);
    if (is_heavy && list_is_empty(&ch->heavy))
        list_insert(&ch->core->heavy, &ch->heavy);
}

static void pressure_relieve(struct channel *ch)
{
    ch->pressed_bytes = 0;
    if (ch->kind->relieve)
        ch->kind->relieve(ch);
}

static void pressure_press(struct channel *ch, bool is_last_resort)
{
    if (ch->pressed_bytes == 0) {
        counter_add(ch->core->counters, COUNT_pressed, 1);
        ch->pressed_bytes = ch->account.bytes;
        ch->core->notices.pressed(ch->core->notices.arg, ch);
    }
    ch->kind->press(ch, is_last_resort);
}

static void pressure_apply(struct core *c)
{
    uint64_t limit = c->budget->limit_bytes, level = budget_level(c->budget);
    uint64_t left = level < limit ? limit - level : 0;
    uint64_t threshold = left / 2;
    if (left > 0 && threshold < CHANNEL_PRESS_BYTES)
        threshold = CHANNEL_PRESS_BYTES;
    LIST_EACH_SAFE (link, &c->heavy) {
        struct channel *ch = LIST_OF(link, struct channel, heavy);
        if (ch->account.bytes > threshold)
            pressure_press(ch, left == 0);
    }
}

/* Leaves in the list those that are still heavy. */
static void pressure_ease(struct core *c)
{
    uint64_t limit = c->budget->limit_bytes;
    bool is_over = budget_level(c->budget) < limit / 100 * RELIEF_PERCENT;
    LIST_EACH_SAFE (link, &c->heavy) {
        struct channel *ch = LIST_OF(link, struct channel, heavy);
        bool is_light = ch->account.bytes <= CHANNEL_PRESS_BYTES;
        if (ch->pressed_bytes > 0 &&
            (is_over || is_light || ch->account.bytes <= ch->pressed_bytes / 2))
            pressure_relieve(ch);
        if (is_light)
            list_remove(&ch->heavy);
    }
}

void pressure_update(struct core *c)
{
    if (list_is_empty(&c->heavy) || c->budget->limit_bytes == 0)
        return;
    pressure_ease(c);
    if (budget_is_short(c->budget))
        pressure_apply(c);
}
