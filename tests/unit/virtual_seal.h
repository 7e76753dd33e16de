/* SPDX-License-Identifier: MIT
 *
 * virtual_seal - a model of a transport that makes records: what is offered is
 * sealed in portions, comes when a record is whole, and must be offered again
 * until then. It aborts when something else is offered.
 */
#ifndef SLUICE_TESTS_UNIT_VIRTUAL_SEAL_H
#define SLUICE_TESTS_UNIT_VIRTUAL_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { VIRTUAL_SEALED = 4096 }; /* bytes, at most, at once */

struct virtual_seal {
    uint32_t record; /* bytes in each, at most; 0: none are made */
    uint32_t count;  /* of records that are not wholly written, */
    uint32_t lengths[VIRTUAL_SEALED];
    size_t begun;   /* bytes of the first that are written */
    size_t settled; /* bytes written, and not reported yet */
    bool is_broken; /* in the middle of a record */
    uint8_t bytes[2 * VIRTUAL_SEALED];
};

/* Bytes in records that are not wholly written. */
static inline size_t virtual_seal_bytes(const struct virtual_seal *s)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < s->count; i++)
        bytes += s->lengths[i];
    return bytes;
}

/* Writes as far as there is room; returns how much that was. The last *whole
 * of the bytes that are settled have come with it. */
static inline size_t virtual_seal_push(struct virtual_seal *s, size_t room,
                                       size_t *whole)
{
    size_t written = 0;
    *whole = 0;
    while (s->count > 0 && written < room) {
        size_t n = s->lengths[0] - s->begun;
        n = n < room - written ? n : room - written;
        s->begun += n;
        written += n;
        if (s->begun < s->lengths[0])
            break;
        *whole += s->begun;
        s->settled += s->begun;
        s->begun = 0;
        memmove(s->lengths, s->lengths + 1, --s->count * sizeof *s->lengths);
    }
    return written;
}

/* Takes out what is settled; returns how much that was. */
static inline size_t virtual_seal_take(struct virtual_seal *s)
{
    size_t bytes = s->settled;
    memmove(s->bytes, s->bytes + bytes, virtual_seal_bytes(s));
    s->settled = 0;
    return bytes;
}

/* Nothing more is written. */
static inline void virtual_seal_cut(struct virtual_seal *s)
{
    s->is_broken |= s->count > 0;
    s->count = 0;
    s->begun = 0;
}

/* Seals so much, at most, of what is offered behind what is pledged: unless
 * that is one piece of just its length, it must be the same. */
static inline void virtual_seal_add(struct virtual_seal *s,
                                    const struct iovec *iov, int iovs,
                                    size_t more)
{
    size_t pledged = s->settled + virtual_seal_bytes(s), at = 0;
    bool is_stub = iov->iov_len == pledged;
    size_t most = pledged + (s->count > 0 ? 0 : more);
    for (int i = 0; i < iovs; i++) {
        const uint8_t *bytes = iov[i].iov_base;
        for (size_t j = 0; j < iov[i].iov_len && at < most; j++, at++) {
            if (at >= pledged)
                s->bytes[at] = bytes[j];
            else if (!is_stub && s->bytes[at] != bytes[j])
                abort(); /* not what was offered before */
        }
    }
    if (at < pledged)
        abort();
    for (size_t n = at - pledged; n > 0; s->count++) {
        s->lengths[s->count] = n < s->record ? (uint32_t)n : s->record;
        n -= s->lengths[s->count];
    }
}

#endif
