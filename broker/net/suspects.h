/* SPDX-License-Identifier: MIT
 *
 * suspects - hosts of which handshakes came to nothing lately. Others are
 * served before them; more than that it does not mean, so it may err: two hosts
 * in ten thousand share a mark.
 */
#ifndef SLUICE_NET_SUSPECTS_H
#define SLUICE_NET_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"

/* A host is remembered for at least so long, and at most three times that. */
enum { SUSPECTS_MS = 30 * 1000 };

/* All zeros: none. */
struct suspects {
    uint64_t marks[2][(1 << 16) / 64]; /* of this period, and of the last */
    clock_ms began;                    /* the period */
};

/* `host` is of peer_mark(). */
void suspects_note(struct suspects *s, uint16_t host, clock_ms now);

/* Whether it was noted. */
bool suspects_have(struct suspects *s, uint16_t host, clock_ms now);

#endif
