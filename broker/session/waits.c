/* SPDX-License-Identifier: MIT */
#include "broker/session/waits.h"

_Static_assert(WAIT_TOTAL <= 32, "the kinds are bits of `begun`");

void waits_init(struct waits *all, const struct wait_row *rows, void *arg)
{
    *all = (struct waits){.rows = rows, .arg = arg};
    for (size_t i = 0; i < WAIT_TOTAL; i++) {
        all->limit_ms[i] = WAITS_FOREVER_MS;
        list_init(&all->lists[i]);
    }
}

void waiting_init(struct waiting *w)
{
    *w = (struct waiting){.wait = WAIT_TOTAL};
    list_init(&w->link);
}

void waits_begin(struct waits *all, struct waiting *w, enum wait_kind wait,
                 clock_ms now)
{
    list_remove(&w->link);
    w->times = w->wait == wait ? (uint16_t)(w->times + 1) : 1;
    w->wait = (uint8_t)wait;
    w->since = now;
    list_insert(&all->lists[wait], &w->link);
    all->begun |= 1u << wait;
}

void waits_end(struct waiting *w)
{
    list_remove(&w->link);
    w->wait = WAIT_TOTAL;
}

struct waiting *waits_first(const struct waits *all, enum wait_kind wait)
{
    const struct list *head = &all->lists[wait];
    return list_is_empty(head) ? NULL
                               : LIST_OF(head->next, struct waiting, link);
}

/* A list stays in order: the waits that would end earlier all end then. */
static void waits_spare_kind(struct waits *all, enum wait_kind wait,
                             uint32_t ms, clock_ms now)
{
    uint32_t limit = all->limit_ms[wait];
    if (limit == WAITS_FOREVER_MS)
        return;
    uint32_t most = limit > ms ? limit - ms : 0;
    LIST_EACH (link, &all->lists[wait]) {
        struct waiting *w = LIST_OF(link, struct waiting, link);
        if (clock_elapsed_ms(now, w->since) <= most)
            break;
        w->since = now - most;
    }
}

void waits_spare(struct waits *all, uint32_t ms, clock_ms now)
{
    for (enum wait_kind i = 0; i < WAIT_TOTAL; i++)
        waits_spare_kind(all, i, ms, now);
}

/* The next of a kind to have ended; NULL: none has. */
static struct waiting *waits_ended(const struct waits *all, enum wait_kind wait,
                                   clock_ms now)
{
    struct waiting *w = waits_first(all, wait);
    bool has_ended = all->limit_ms[wait] != WAITS_FOREVER_MS && w &&
                     clock_elapsed_ms(now, w->since) >= all->limit_ms[wait];
    return has_ended ? w : NULL;
}

/* True if there are more. */
static bool waits_expire(struct waits *all, enum wait_kind wait, clock_ms now)
{
    struct waiting *w;
    for (int i = 0; i < WAITS_AT_ONCE; i++)
        if ((w = waits_ended(all, wait, now)) != NULL)
            all->rows[wait].expire(w);
    return waits_ended(all, wait, now) != NULL;
}

/* A look is at all that wait: it can wait itself until those are gone that are
 * to go. */
void waits_fire(struct waits *all, clock_ms now)
{
    bool are_more = false;
    for (enum wait_kind i = 0; i < WAIT_TOTAL; i++)
        are_more |= waits_expire(all, i, now);
    for (enum wait_kind i = 0; i < WAIT_TOTAL; i++)
        if (!are_more && all->rows[i].look && waits_first(all, i))
            all->rows[i].look(all->arg);
}

static uint32_t waits_left_ms(const struct waits *all, enum wait_kind wait,
                              clock_ms now)
{
    const struct waiting *first = waits_first(all, wait);
    uint32_t limit = all->limit_ms[wait], left = WAITS_FOREVER_MS;
    if (first && limit != WAITS_FOREVER_MS) {
        uint32_t gone = clock_elapsed_ms(now, first->since);
        left = gone < limit ? limit - gone : 0;
    }
    if (first && all->rows[wait].look && left > all->rows[wait].look_ms)
        left = all->rows[wait].look_ms;
    return left;
}

/* Asked in every turn, so it looks at the few kinds alone that have a wait. */
uint32_t waits_next_ms(struct waits *all, clock_ms now)
{
    uint32_t next = WAITS_FOREVER_MS;
    for (uint32_t kinds = all->begun; kinds != 0; kinds &= kinds - 1) {
        enum wait_kind i = (enum wait_kind)__builtin_ctz(kinds);
        uint32_t left = waits_left_ms(all, i, now);
        if (left < next)
            next = left;
        if (list_is_empty(&all->lists[i]))
            all->begun &= ~(1u << i);
    }
    return next;
}
