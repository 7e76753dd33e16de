/* SPDX-License-Identifier: MIT
 *
 * nearest - what somebody may have meant: of the words tried, the one with the
 * fewest typing errors, if they are few.
 */
#ifndef SLUICE_CLIENT_NEAREST_H
#define SLUICE_CLIENT_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *typed;
    const char *best; /* NULL when nothing tried is near */
    size_t distance;  /* of best; what is not below this is not near */
};

/* `typed` and the words tried must outlive the struct. */
struct nearest nearest_to(const char *typed);
void nearest_try(struct nearest *n, const char *word);

#endif
