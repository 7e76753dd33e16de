/* SPDX-License-Identifier: MIT
 *
 * mailbox - a ring of entries from one thread to another, without locks. One
 * side pushes, the other pops; each side alone calls its own functions.
 */
#ifndef SLUICE_BASE_MAILBOX_H
#define SLUICE_BASE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAILBOX_ENTRIES = 8192, MAILBOX_LINE = 64 };

struct mailbox {
    uint8_t *entries;
    size_t size; /* of one */
    /* Counts of all that were ever pushed and popped, on different cache
     * lines. */
    atomic_uint pushed;
    uint8_t apart[MAILBOX_LINE];
    atomic_uint popped;
};

/* An empty one for entries of `size` bytes; false without memory. */
bool mailbox_init(struct mailbox *m, size_t size);
/* Frees the memory, whatever is in it. */
void mailbox_fini(struct mailbox *m);

/* Copies an entry in; false when there is no room. */
bool mailbox_push(struct mailbox *m, const void *entry);

/* The oldest entry, valid until it is popped; NULL when there is none. */
const void *mailbox_peek(struct mailbox *m);
/* Removes it. */
void mailbox_pop(struct mailbox *m);

#endif
