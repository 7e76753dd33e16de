/* SPDX-License-Identifier: MIT
 *
 * origin - where a value comes from. The later kind beats the earlier.
 */
#ifndef SLUICE_OPTIONS_ORIGIN_H
#define SLUICE_OPTIONS_ORIGIN_H

#include <stdbool.h>

enum origin_kind {
    ORIGIN_DEFAULT,
    ORIGIN_FILE,
    ORIGIN_ENVIRONMENT,
    ORIGIN_ARGUMENT,
};

struct origin {
    enum origin_kind kind;
    unsigned line; /* of the file; else 0 */
};

static inline bool origin_beats(struct origin a, struct origin b)
{
    return a.kind > b.kind;
}

#endif
