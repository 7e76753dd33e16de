/* SPDX-License-Identifier: MIT
 *
 * sentence - why something failed, in one sentence for the operator or the
 * user. The caller provides it, the function that fails fills it in; it has no
 * full stop and no line end, so that it can become part of a log field or of a
 * longer sentence.
 */
#ifndef SLUICE_COMMON_SENTENCE_H
#define SLUICE_COMMON_SENTENCE_H

#include <stdbool.h>

enum { SENTENCE_BYTES = 512 };

struct sentence {
    char text[SENTENCE_BYTES]; /* "" until something has failed */
};

/* Writes the sentence, cut at SENTENCE_BYTES. Always returns false, so that a
 * function which reports success as a bool can end with
 * `return sentence_fail(why, ...)`. The arguments may not point into `out`. */
bool sentence_fail(struct sentence *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
