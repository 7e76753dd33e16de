/* SPDX-License-Identifier: MIT */
#include "client/nearest.h"

#include <string.h>

enum { NEAREST_LONGEST = 32, NEAREST_ERRORS = 3 };

static size_t nearest_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static size_t nearest_distance(const char *a, const char *b)
{
    size_t row[NEAREST_LONGEST + 1];
    size_t columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = nearest_min(changed, nearest_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

struct nearest nearest_to(const char *typed)
{
    return (struct nearest){typed, NULL, NEAREST_ERRORS};
}

void nearest_try(struct nearest *n, const char *word)
{
    if (strlen(n->typed) > NEAREST_LONGEST || strlen(word) > NEAREST_LONGEST)
        return;
    size_t distance = nearest_distance(n->typed, word);
    if (distance >= n->distance)
        return;
    n->distance = distance;
    n->best = word;
}
