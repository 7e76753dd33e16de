/* SPDX-License-Identifier: MIT
 *
 * connections - all connections of a benchmark and what they share, on one
 * thread: one epoll, one buffer to read into, one account of what arrived.
 */
#ifndef SLUICE_CLIENT_BENCH_CONNECTIONS_H
#define SLUICE_CLIENT_BENCH_CONNECTIONS_H

#include "client/bench/bench_publisher.h"
#include "client/bench/bench_subscriber.h"
#include "client/lib/failure.h"

struct connections {
    const struct plan *plan;
    struct bench_publisher *publishers;
    struct bench_subscriber *subscribers;
    struct ledger *ledgers; /* per publisher; of a topic per subscriber too */
    struct batch probes;    /* the first publisher's, beside its messages */
    struct tally tally;
    uint8_t *scratch;  /* every subscriber is read into it */
    int epoll;         /* -1 when there is none */
    uint64_t heard_ns; /* when something last arrived */
    struct sluice_failure failure;
};

/* Connects all publishers and subscribers; connections_close() is needed in any
 * case. False, with c->failure, when that fails. `plan` is borrowed. */
bool connections_open(struct connections *c, const struct plan *plan);
void connections_close(struct connections *c);

/* Waits for events or a stop signal, for at most `timeout_ms`, and handles the
 * events. False, with c->failure, when a connection ended. */
bool connections_wait(struct connections *c, int timeout_ms);

/* Lets every publisher write. False, with c->failure, as above. */
bool connections_flush(struct connections *c);

/* True when no publisher has anything left to write. */
bool connections_is_idle(const struct connections *c);

/* How many messages have arrived at every subscriber that they should arrive
 * at, or have been lost. */
uint64_t connections_arrived(const struct connections *c);

/* Whether every receipt that was asked for has come, and every acknowledgement
 * was sent. */
bool connections_are_answered(const struct connections *c);

#endif
