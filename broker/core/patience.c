/* SPDX-License-Identifier: MIT */
#include "broker/core/patience.h"

#include "broker/base/budget.h"
#include "broker/core/channel.h"
#include "broker/core/turn.h"

enum { PATIENCE_PART = 20 }; /* of the time that passes is added */

static int64_t patience_left_ms(const struct patience *p, uint32_t most_ms,
                                clock_ms now)
{
    if (!p)
        return most_ms;
    int64_t left = p->left_ms;
    left += clock_elapsed_ms(now, p->charged_at) / PATIENCE_PART;
    return left < most_ms ? left : most_ms;
}

static uint32_t patience_cost_ms(const struct patience *p, clock_ms since,
                                 clock_ms now)
{
    uint32_t wait = clock_elapsed_ms(now, since);
    uint32_t unpaid = p ? clock_elapsed_ms(now, p->charged_at) : wait;
    return wait < unpaid ? wait : unpaid;
}

bool patience_allows(const struct patience *p, uint32_t most_ms,
                     int64_t least_ms, clock_ms since, clock_ms now)
{
    return patience_left_ms(p, most_ms, now) -
               (int64_t)patience_cost_ms(p, since, now) >=
           least_ms;
}

bool patience_was_tried_since(const struct patience *p, clock_ms since,
                              clock_ms now)
{
    return p &&
           clock_elapsed_ms(now, p->charged_at) < clock_elapsed_ms(now, since);
}

static struct patience *patience_new(struct patience **home, struct channel *ch)
{
    struct patience *p = budget_zalloc(ch->turn->budget, sizeof *p);
    if (!p)
        return NULL;
    p->channel = ch;
    p->home = home;
    list_init(&p->wary);
    *home = p;
    return p;
}

void patience_charge(struct patience **home, struct channel *ch,
                     uint32_t most_ms, clock_ms since)
{
    struct turn *t = ch->turn;
    uint32_t cost = patience_cost_ms(*home, since, t->now);
    int64_t least = -(int64_t)most_ms;
    int64_t left = patience_left_ms(*home, most_ms, t->now) - (int64_t)cost;
    struct patience *p = *home;
    if (cost == 0 || (!p && !(p = patience_new(home, ch))))
        return;
    p->left_ms = (int32_t)(left > least ? left : least);
    p->charged_at = t->now;
    list_remove(&p->wary);
    list_insert(&t->wary, &p->wary);
}

void patience_free(struct patience *p)
{
    if (!p)
        return;
    *p->home = NULL;
    list_remove(&p->wary);
    budget_free(p->channel->turn->budget, p, sizeof *p);
}

bool patience_is_full(const struct patience *p, uint32_t most_ms, clock_ms now)
{
    return patience_left_ms(p, most_ms, now) == most_ms;
}
