/* SPDX-License-Identifier: MIT
 *
 * marks - how far each channel, or client, was when it was last looked at, so
 * that what is recent can be told. It is remembered here, while somebody
 * watches, and not in channels and clients, who would pay for it always.
 *
 * A round is one look at all of them; whoever is not seen in it is forgotten.
 */
#ifndef SLUICE_MONITOR_MARKS_H
#define SLUICE_MONITOR_MARKS_H

#include <stddef.h>
#include <stdint.h>

struct mark {
    uint64_t key; /* 0: free */
    uint64_t count;
};

/* A table with open addressing. */
struct marks_table {
    struct mark *rows; /* NULL when there are none */
    size_t slots;      /* a power of two, or 0 */
    size_t used;
};

/* All zeros is empty. */
struct marks {
    struct marks_table last, before; /* the latest round and the one before */
};

void marks_fini(struct marks *m);

/* A new round begins. */
void marks_begin(struct marks *m);

/* Notes a count in this round; returns how much it has grown since the last
 * one. Without memory it is not noted. `key` is not 0. */
uint64_t marks_note(struct marks *m, uint64_t key, uint64_t count);

/* How much it has grown since the latest round. */
uint64_t marks_since(const struct marks *m, uint64_t key, uint64_t count);

#endif
