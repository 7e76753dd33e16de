/* SPDX-License-Identifier: MIT
 *
 * bench_subscriber - one connection that receives. It finds the messages in the
 * bytes that were read, wherever these were cut, and accounts for each by its
 * stamp. Bodies are never copied; only the beginning of an incomplete message
 * is kept.
 */
#ifndef SLUICE_CLIENT_BENCH_BENCH_SUBSCRIBER_H
#define SLUICE_CLIENT_BENCH_BENCH_SUBSCRIBER_H

#include "client/bench/plan.h"
#include "client/bench/stamp.h"
#include "client/bench/tally.h"
#include "proto/frame.h"

#include <stddef.h>

enum { BENCH_SUBSCRIBER_HEAD_BYTES = FRAME_HEAD_BYTES + sizeof(struct stamp) };

struct bench_subscriber {
    const struct plan *plan;
    struct tally *tally; /* of all subscribers */
    bool has_heard;      /* something from the server */
    int fd;              /* -1 when not connected */
    uint64_t passed;     /* messages received, or overtaken and so lost */
    uint64_t probe; /* the number of the last probe received, 0: none yet */
    uint64_t *next; /* per publisher: one above the highest number received */
    struct ledger *seen; /* per publisher; a queue's consumers share them */
    uint8_t head[BENCH_SUBSCRIBER_HEAD_BYTES]; /* of a message that was cut */
    size_t head_bytes;                         /* kept in `head` */
    size_t skip_bytes; /* of that message still to come, once head is there */
};

/* Takes `fd`, -1 allowed. `seen` is borrowed. False without memory; fini is
 * needed in any case. */
bool bench_subscriber_init(struct bench_subscriber *s, int fd,
                           const struct plan *plan, struct tally *tally,
                           struct ledger *seen);
void bench_subscriber_fini(struct bench_subscriber *s);

/* Subscribes. False, with errno, when the connection is broken. */
bool bench_subscriber_hello(const struct bench_subscriber *s);

/* Accounts for `n` bytes that arrived at `now_ns`. */
void bench_subscriber_take(struct bench_subscriber *s, const uint8_t *bytes,
                           size_t n, uint64_t now_ns);

#endif
