/* SPDX-License-Identifier: MIT */
#include "common/suggest.h"

#include <string.h>

enum {
    SUGGEST_LONGEST = 32, /* bytes of a word; no longer one is compared */
    SUGGEST_ERRORS = 3,   /* so many make it another word */
};

static size_t suggest_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static size_t suggest_distance(const char *a, const char *b)
{
    size_t row[SUGGEST_LONGEST + 1];
    size_t columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = suggest_min(changed, suggest_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

struct suggestion suggest_for(const char *typed)
{
    return (struct suggestion){typed, NULL, SUGGEST_ERRORS};
}

void suggest_try(struct suggestion *s, const char *word)
{
    if (strlen(s->typed) > SUGGEST_LONGEST || strlen(word) > SUGGEST_LONGEST)
        return;
    size_t distance = suggest_distance(s->typed, word);
    if (distance >= s->distance)
        return;
    s->distance = distance;
    s->best = word;
}
