/* SPDX-License-Identifier: MIT
 *
 * suggest - the word that was probably meant: of those tried, the one with the
 * fewest typing errors, if they are few.
 *
 *     struct suggestion s = suggest_for("--listn");
 *     for (each option)
 *         suggest_try(&s, its name);
 *     if (s.best)
 *         "did you mean ...?"
 */
#ifndef SLUICE_COMMON_SUGGEST_H
#define SLUICE_COMMON_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *typed;
    const char *best; /* NULL when no word tried is near */
    size_t distance;  /* of `best`; a word must be nearer than this to be it */
};

/* `typed` and the words tried are borrowed: they must outlive the struct. */
struct suggestion suggest_for(const char *typed);

/* Of two words equally near, the one tried first is kept. */
void suggest_try(struct suggestion *s, const char *word);

#endif
