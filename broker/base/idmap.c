/* SPDX-License-Identifier: MIT */
#include "broker/base/idmap.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/base/budget.h"

/* Open addressing: a row lies in the slot that its id hashes to, or in the
 * first free one behind that. */

enum { SLOTS_MIN = 64 };

void idmap_init(struct idmap *m, struct budget *budget)
{
    *m = (struct idmap){.budget = budget};
}

static void idmap_free_rows(struct idmap *m)
{
    if (m->budget)
        budget_free(m->budget, m->rows, m->slot_count * sizeof *m->rows);
    else
        free(m->rows);
}

void idmap_clear(struct idmap *m)
{
    idmap_free_rows(m);
    idmap_init(m, m->budget);
}

/* Multiplying spreads ids that follow one another (Knuth, 6.4). */
static size_t idmap_slot(const struct idmap *m, uint64_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (m->slot_count - 1);
}

static size_t idmap_next(const struct idmap *m, size_t slot)
{
    return (slot + 1) & (m->slot_count - 1);
}

/* The row of this id, or the free one where it belongs. One must be free. */
static struct idmap_row *idmap_at(const struct idmap *m, uint64_t id)
{
    size_t slot = idmap_slot(m, id);
    assert(id != 0);
    while (m->rows[slot].id != id && m->rows[slot].id != 0)
        slot = idmap_next(m, slot);
    return &m->rows[slot];
}

uint64_t *idmap_find(const struct idmap *m, uint64_t id)
{
    if (m->count == 0)
        return NULL;
    struct idmap_row *row = idmap_at(m, id);
    return row->id == id ? &row->value : NULL;
}

static bool idmap_resize(struct idmap *m, size_t slot_count)
{
    struct idmap other = *m;
    other.slot_count = slot_count;
    other.rows = m->budget
                     ? budget_zalloc(m->budget, slot_count * sizeof *other.rows)
                     : calloc(slot_count, sizeof *other.rows);
    if (!other.rows)
        return false;
    for (size_t i = 0; i < m->slot_count; i++)
        if (m->rows[i].id != 0)
            *idmap_at(&other, m->rows[i].id) = m->rows[i];
    idmap_free_rows(m);
    *m = other;
    return true;
}

bool idmap_put(struct idmap *m, uint64_t id, uint64_t value)
{
    bool is_full = m->count * 4 >= m->slot_count * 3;
    size_t more = m->slot_count > 0 ? m->slot_count * 2 : SLOTS_MIN;
    uint64_t *known = idmap_find(m, id);
    if (known) {
        *known = value;
        return true;
    }
    if (is_full && !idmap_resize(m, more))
        return false;
    *idmap_at(m, id) = (struct idmap_row){id, value};
    m->count++;
    return true;
}

/* Fills the free slot with a row behind it that could not lie there before, and
 * so on, until the next free one: every row stays reachable from the slot that
 * its id hashes to. */
static void idmap_close_gap(struct idmap *m, size_t gap)
{
    for (size_t i = idmap_next(m, gap); m->rows[i].id != 0;
         i = idmap_next(m, i)) {
        size_t wanted = idmap_slot(m, m->rows[i].id);
        size_t behind_wanted = (i - wanted) & (m->slot_count - 1);
        size_t behind_gap = (i - gap) & (m->slot_count - 1);
        if (behind_wanted < behind_gap)
            continue;
        m->rows[gap] = m->rows[i];
        m->rows[i].id = 0;
        gap = i;
    }
}

void idmap_remove(struct idmap *m, uint64_t id)
{
    if (!idmap_find(m, id))
        return;
    struct idmap_row *row = idmap_at(m, id);
    row->id = 0;
    m->count--;
    idmap_close_gap(m, (size_t)(row - m->rows));
    if (m->count == 0)
        idmap_clear(m);
    else if (m->slot_count > SLOTS_MIN && m->count < m->slot_count / 8)
        (void)idmap_resize(m, m->slot_count / 4); /* if not, it stays large */
}
