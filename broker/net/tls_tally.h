/* SPDX-License-Identifier: MIT
 *
 * tls_tally - what became of the handshakes of a loop: how often one failed, by
 * fault, and how long the others took from the first byte on.
 */
#ifndef SLUICE_NET_TLS_TALLY_H
#define SLUICE_NET_TLS_TALLY_H

#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/durations.h"
#include "broker/base/recent.h"
#include "broker/net/tls_fault.h"

/* All zeros: there was none. */
struct tls_tally {
    uint64_t failed[TLS_FAULTS];
    struct durations durations; /* of those that were completed, */
    struct recent lately;       /* and of the last of these */
};

/* A handshake was completed. */
void tls_tally_complete(struct tls_tally *t, clock_ms now, uint64_t us);

/* A handshake has failed. */
void tls_tally_fail(struct tls_tally *t, enum tls_fault fault);

#endif
