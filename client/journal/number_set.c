/* SPDX-License-Identifier: MIT */
#include "client/journal/number_set.h"

#include <stdlib.h>

#include "common/vector.h"

void number_set_fini(struct number_set *set)
{
    free(set->runs);
    *set = (struct number_set){.runs = NULL};
}

bool number_set_add(struct number_set *set, uint64_t first, uint64_t end)
{
    struct number_run *last =
        set->count > 0 ? &set->runs[set->count - 1] : NULL;
    if (first >= end)
        return true;
    if (last && first >= last->first && first <= last->end) {
        if (end > last->end)
            last->end = end;
        return true;
    }
    struct number_run *runs =
        vector_grow(set->runs, &set->room, set->count, sizeof *runs);
    if (!runs)
        return false;
    set->runs = runs;
    runs[set->count++] = (struct number_run){first, end};
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct number_run *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

void number_set_settle(struct number_set *set)
{
    size_t kept = 0;
    if (set->count == 0)
        return;
    qsort(set->runs, set->count, sizeof *set->runs, compare);
    for (size_t i = 1; i < set->count; i++) {
        const struct number_run *run = &set->runs[i];
        struct number_run *last = &set->runs[kept];
        if (run->first > last->end)
            set->runs[++kept] = *run;
        else if (run->end > last->end)
            last->end = run->end;
    }
    set->count = kept + 1;
}

const struct number_run *number_set_at(const struct number_set *set,
                                       uint64_t number)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->runs[middle].end > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low < set->count ? &set->runs[low] : NULL;
}

bool number_set_has(const struct number_set *set, uint64_t number)
{
    const struct number_run *run = number_set_at(set, number);
    return run && run->first <= number;
}

uint64_t number_set_count(const struct number_set *set, uint64_t first,
                          uint64_t end)
{
    const struct number_run *run = number_set_at(set, first);
    const struct number_run *behind = set->runs + set->count;
    uint64_t count = 0;
    for (; run && run < behind && run->first < end; run++) {
        uint64_t from = run->first > first ? run->first : first;
        uint64_t to = run->end < end ? run->end : end;
        count += to - from;
    }
    return count;
}
