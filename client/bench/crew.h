/* SPDX-License-Identifier: MIT
 *
 * crew - all connections of a benchmark and what they share, on one thread:
 * one epoll, one buffer to read into, one account of what arrived.
 */
#ifndef SLUICE_CLIENT_BENCH_CREW_H
#define SLUICE_CLIENT_BENCH_CREW_H

#include "client/bench/publisher.h"
#include "client/bench/subscriber.h"
#include "client/lib/failure.h"

struct crew {
    const struct plan *plan;
    struct publisher *publishers;
    struct subscriber *subscribers;
    struct ledger *ledgers; /* per publisher; of a topic per subscriber too */
    struct batch probes;    /* the first publisher's, beside its messages */
    struct tally tally;
    uint8_t *scratch;  /* every subscriber is read into it */
    int epoll;         /* -1 when there is none */
    uint64_t heard_ns; /* when something last arrived */
    struct sluice_failure failure;
};

/* Connects everybody; crew_close() is needed in any case. False, with
 * c->failure, when that fails. `plan` is borrowed. */
bool crew_open(struct crew *c, const struct plan *plan);
void crew_close(struct crew *c);

/* Waits for something to happen, or a stop signal, for at most that long, and
 * deals with it. False, with c->failure, when a connection ended. */
bool crew_wait(struct crew *c, int timeout_ms);

/* Lets every publisher write. False, with c->failure, as above. */
bool crew_flush(struct crew *c);

/* True when no publisher has anything left to write. */
bool crew_is_idle(const struct crew *c);

/* How many messages have arrived wherever they should, or never will. */
uint64_t crew_arrived(const struct crew *c);

#endif
