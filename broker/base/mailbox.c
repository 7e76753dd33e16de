/* SPDX-License-Identifier: MIT */
#include "broker/base/mailbox.h"

#include <stdlib.h>
#include <string.h>

bool mailbox_init(struct mailbox *m, size_t size)
{
    m->size = size;
    atomic_init(&m->pushed, 0);
    atomic_init(&m->popped, 0);
    m->entries = calloc(MAILBOX_ENTRIES, size);
    return m->entries != NULL;
}

void mailbox_fini(struct mailbox *m)
{
    free(m->entries);
    m->entries = NULL;
}

static uint8_t *entry_at(const struct mailbox *m, unsigned count)
{
    return m->entries + (size_t)(count % MAILBOX_ENTRIES) * m->size;
}

bool mailbox_push(struct mailbox *m, const void *entry)
{
    unsigned pushed = atomic_load_explicit(&m->pushed, memory_order_relaxed);
    unsigned popped = atomic_load_explicit(&m->popped, memory_order_acquire);
    if (pushed - popped == MAILBOX_ENTRIES)
        return false;
    memcpy(entry_at(m, pushed), entry, m->size);
    atomic_store_explicit(&m->pushed, pushed + 1, memory_order_release);
    return true;
}

const void *mailbox_peek(struct mailbox *m)
{
    unsigned popped = atomic_load_explicit(&m->popped, memory_order_relaxed);
    unsigned pushed = atomic_load_explicit(&m->pushed, memory_order_acquire);
    return pushed == popped ? NULL : entry_at(m, popped);
}

void mailbox_pop(struct mailbox *m)
{
    unsigned popped = atomic_load_explicit(&m->popped, memory_order_relaxed);
    atomic_store_explicit(&m->popped, popped + 1, memory_order_release);
}
