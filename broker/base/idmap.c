/* SPDX-License-Identifier: MIT */
#include "broker/base/idmap.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/base/budget.h"

/* Open addressing: a row lies in the slot that its id hashes to, or in the
 * first free one behind that. A row that was moved to a new table leaves its
 * copy behind, so that those behind it in the old one are still found. */

enum {
    SLOTS_MIN = 64,
    MOVED_AT_ONCE = 1024, /* slots whose rows are moved in one go */
    /* The same for each row that comes or goes while a table is replaced: a new
     * table must not be full, or nearly empty, before the old one is. */
    MOVED_EACH = 16,
};

void idmap_init(struct idmap *m, struct budget *budget)
{
    *m = (struct idmap){.budget = budget};
}

static void free_rows(struct budget *budget, struct idmap_row *rows,
                      size_t slot_count)
{
    if (budget)
        budget_free(budget, rows, slot_count * sizeof *rows);
    else
        free(rows);
}

void idmap_clear(struct idmap *m)
{
    free_rows(m->budget, m->rows, m->slot_count);
    free_rows(m->budget, m->old, m->old_count);
    idmap_init(m, m->budget);
}

/* Multiplying spreads ids that follow one another (Knuth, 6.4). */
static size_t slot_of(uint64_t id, size_t slot_count)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (slot_count - 1);
}

/* The row of this id, or the free one where it belongs. One must be free. */
static struct idmap_row *row_of(struct idmap_row *rows, size_t slot_count,
                                uint64_t id)
{
    size_t slot = slot_of(id, slot_count);
    assert(id != 0);
    while (rows[slot].id != id && rows[slot].id != 0)
        slot = (slot + 1) & (slot_count - 1);
    return &rows[slot];
}

/* The row in the old table, unless it was moved; NULL when there is none. */
static struct idmap_row *old_row_of(const struct idmap *m, uint64_t id)
{
    if (!m->old)
        return NULL;
    struct idmap_row *row = row_of(m->old, m->old_count, id);
    return row->id == id && (size_t)(row - m->old) >= m->moved ? row : NULL;
}

static struct idmap_row *known_row(const struct idmap *m, uint64_t id)
{
    if (m->count == 0)
        return NULL;
    struct idmap_row *row = row_of(m->rows, m->slot_count, id);
    return row->id == id ? row : old_row_of(m, id);
}

uint64_t *idmap_find(const struct idmap *m, uint64_t id)
{
    struct idmap_row *row = known_row(m, id);
    return row ? &row->value : NULL;
}

/* Goes on with the replacement of the table. */
static void idmap_move(struct idmap *m, size_t slots)
{
    for (; m->old && slots > 0; slots--) {
        struct idmap_row *row = &m->old[m->moved++];
        if (row->id != 0)
            *row_of(m->rows, m->slot_count, row->id) = *row;
        if (m->moved < m->old_count)
            continue;
        free_rows(m->budget, m->old, m->old_count);
        m->old = NULL;
        m->old_count = 0;
    }
}

static bool idmap_resize(struct idmap *m, size_t slot_count)
{
    idmap_move(m, SIZE_MAX); /* nothing, unless memory was short */
    struct idmap_row *rows =
        m->budget ? budget_zalloc(m->budget, slot_count * sizeof *rows)
                  : calloc(slot_count, sizeof *rows);
    if (!rows)
        return false;
    if (m->rows) {
        m->old = m->rows;
        m->old_count = m->slot_count;
        m->moved = 0;
    }
    m->rows = rows;
    m->slot_count = slot_count;
    idmap_move(m, MOVED_AT_ONCE);
    return true;
}

bool idmap_put(struct idmap *m, uint64_t id, uint64_t value)
{
    struct idmap_row *known = known_row(m, id);
    if (known) {
        known->value = value;
        return true;
    }
    idmap_move(m, MOVED_EACH);
    bool is_full = m->count * 4 >= m->slot_count * 3;
    size_t more = m->slot_count > 0 ? m->slot_count * 2 : SLOTS_MIN;
    if (is_full && !idmap_resize(m, more))
        return false;
    *row_of(m->rows, m->slot_count, id) = (struct idmap_row){id, value};
    m->count++;
    return true;
}

/* Fills the free slot with a row behind it that could not lie there before, and
 * so on, until the next free one: every row stays reachable from the slot that
 * its id hashes to. Those before slot `first` are copies, and stay. */
static void close_gap(struct idmap_row *rows, size_t slot_count, size_t gap,
                      size_t first)
{
    size_t mask = slot_count - 1;
    for (size_t i = (gap + 1) & mask; rows[i].id != 0; i = (i + 1) & mask) {
        size_t behind_wanted = (i - slot_of(rows[i].id, slot_count)) & mask;
        size_t behind_gap = (i - gap) & mask;
        if (i < first || behind_wanted < behind_gap)
            continue;
        rows[gap] = rows[i];
        rows[i].id = 0;
        gap = i;
    }
}

static void idmap_remove_row(struct idmap *m, struct idmap_row *row)
{
    bool is_old = m->old && row >= m->old && row < m->old + m->old_count;
    row->id = 0;
    if (is_old)
        close_gap(m->old, m->old_count, (size_t)(row - m->old), m->moved);
    else
        close_gap(m->rows, m->slot_count, (size_t)(row - m->rows), 0);
}

void idmap_remove(struct idmap *m, uint64_t id)
{
    struct idmap_row *row = known_row(m, id);
    if (!row)
        return;
    idmap_remove_row(m, row);
    idmap_move(m, MOVED_EACH);
    if (--m->count == 0)
        idmap_clear(m);
    else if (m->slot_count > SLOTS_MIN && m->count < m->slot_count / 8)
        (void)idmap_resize(m, m->slot_count / 4); /* if not, it stays large */
}
