/* SPDX-License-Identifier: MIT
 *
 * bench_subscriber - one connection that receives, and accounts for each
 * message by its stamp.
 */
#ifndef SLUICE_CLIENT_BENCH_BENCH_SUBSCRIBER_H
#define SLUICE_CLIENT_BENCH_BENCH_SUBSCRIBER_H

#include "client/bench/plan.h"
#include "client/bench/splitter.h"
#include "client/bench/tally.h"

#include <stddef.h>

struct bench_subscriber {
    const struct plan *plan;
    struct tally *tally; /* of all subscribers */
    bool has_heard;      /* something from the server */
    struct sluice *link; /* NULL when not connected */
    uint64_t passed;     /* messages received, or overtaken and so lost */
    uint64_t probe; /* the number of the last probe received, 0: none yet */
    uint64_t *next; /* per publisher: one above the highest number received */
    struct ledger *seen; /* per publisher; a queue's consumers share them */
    uint64_t now_ns;     /* when the bytes at hand arrived */
    struct splitter splitter;
    bool is_body;      /* version 2: a head came last ... */
    bool is_message;   /* ... which was that of a message */
    char refusal[128]; /* the broker's first error; "" when there was none */
    uint8_t *acks;     /* to be sent; NULL without acknowledgements */
    size_t acks_bytes, acks_room;
};

/* Owns the connected `link` from now on, NULL allowed. `seen` is borrowed.
 * False without memory; fini is needed in any case. */
bool bench_subscriber_init(struct bench_subscriber *s, struct sluice *link,
                           const struct plan *plan, struct tally *tally,
                           struct ledger *seen);
void bench_subscriber_fini(struct bench_subscriber *s);

/* Subscribes. False, with errno, when the connection is broken. */
bool bench_subscriber_hello(const struct bench_subscriber *s);

/* Sends acknowledgements, as many as the kernel takes. False, with errno, when
 * the connection is broken. */
bool bench_subscriber_flush(struct bench_subscriber *s);

/* Accounts for `n` bytes that arrived at `now_ns`. */
void bench_subscriber_take(struct bench_subscriber *s, const uint8_t *bytes,
                           size_t n, uint64_t now_ns);

#endif
