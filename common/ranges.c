/* SPDX-License-Identifier: MIT */
#include "common/ranges.h"

#include <stdlib.h>
#include <string.h>

bool ranges_reserve(struct ranges *r)
{
    if (r->count < r->room)
        return true;
    uint32_t room = r->room ? 2 * r->room : 4;
    struct range *rows = realloc(r->rows, room * sizeof *rows);
    if (!rows)
        return false;
    r->rows = rows;
    r->room = room;
    return true;
}

/* The first row that ends at `number` or behind it. */
static uint32_t ranges_search(const struct ranges *r, uint64_t number)
{
    uint32_t low = 0, high = r->count;
    /* Most often the last one is concerned. */
    if (high > 0 && r->rows[high - 1].end < number)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->rows[middle].end < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void ranges_remove(struct ranges *r, uint32_t at, uint32_t count)
{
    r->count -= count;
    if (count > 0)
        memmove(r->rows + at, r->rows + at + count,
                (r->count - at) * sizeof *r->rows);
}

void ranges_add(struct ranges *r, uint64_t first, uint64_t end)
{
    uint32_t at = ranges_search(r, first), stop = at;
    struct range *row = r->rows + at;
    while (stop < r->count && r->rows[stop].first <= end)
        stop++;
    if (stop == at) {
        memmove(row + 1, row, (r->count - at) * sizeof *row);
        r->count++;
        *row = (struct range){first, end};
        return;
    }
    if (first < row->first)
        row->first = first;
    row->end = r->rows[stop - 1].end > end ? r->rows[stop - 1].end : end;
    ranges_remove(r, at + 1, stop - at - 1);
}

struct range ranges_take(struct ranges *r, uint64_t number)
{
    uint32_t at = ranges_search(r, number + 1);
    struct range taken = r->rows[at];
    ranges_remove(r, at, 1);
    return taken;
}

bool ranges_touch(const struct ranges *r, uint64_t first, uint64_t end)
{
    uint32_t at = ranges_search(r, first);
    return at < r->count && r->rows[at].first <= end;
}

uint64_t ranges_overlap(const struct ranges *r, uint64_t first, uint64_t end)
{
    uint64_t overlap = 0;
    for (uint32_t i = ranges_search(r, first + 1);
         i < r->count && r->rows[i].first < end; i++) {
        uint64_t low = r->rows[i].first > first ? r->rows[i].first : first;
        uint64_t high = r->rows[i].end < end ? r->rows[i].end : end;
        overlap += high - low;
    }
    return overlap;
}

bool ranges_has(const struct ranges *r, uint64_t number)
{
    return ranges_overlap(r, number, number + 1) > 0;
}

uint64_t ranges_gap(const struct ranges *r, uint64_t number, uint64_t *end)
{
    uint32_t i = ranges_search(r, number + 1);
    if (i < r->count && r->rows[i].first <= number)
        number = r->rows[i++].end;
    *end = i < r->count ? r->rows[i].first : UINT64_MAX;
    return number;
}

void ranges_cut(struct ranges *r, uint64_t first)
{
    uint32_t at = ranges_search(r, first + 1);
    ranges_remove(r, 0, at);
    if (r->count > 0 && r->rows[0].first < first)
        r->rows[0].first = first;
}

void ranges_clear(struct ranges *r)
{
    free(r->rows);
    *r = (struct ranges){0};
}
