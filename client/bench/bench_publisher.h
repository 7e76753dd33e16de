/* SPDX-License-Identifier: MIT
 *
 * bench_publisher - one connection that sends. It writes as much of its batch
 * as the kernel takes, and is given nothing more until all of it is gone.
 */
#ifndef SLUICE_CLIENT_BENCH_BENCH_PUBLISHER_H
#define SLUICE_CLIENT_BENCH_BENCH_PUBLISHER_H

#include "client/bench/batch.h"
#include "client/bench/speech.h"
#include "client/bench/splitter.h"

struct bench_publisher {
    const struct speech *speech; /* borrowed */
    struct sluice *link;         /* NULL when not connected, or closed after the
                                    goodbye */
    bool has_heard;              /* something from the server */
    bool is_full;                /* the kernel takes no more for now */
    bool is_leaving;    /* has said goodbye: the end of file is expected */
    const uint8_t *out; /* what is still to be written ... */
    size_t out_bytes;   /* ... 0: nothing */
    struct batch batch;
    uint64_t share;           /* messages it has to send in all */
    uint64_t made;            /* messages put into `out` so far */
    uint64_t asked, answered; /* receipts, probes included */
    struct splitter splitter;
    bool is_body;      /* version 2: a head came last */
    char refusal[128]; /* the broker's first error; "" when there was none */
};

/* Owns the connected `link` from now on, NULL allowed; says hello. `speech` is
 * borrowed. False without memory; fini is needed in any case. */
bool bench_publisher_init(struct bench_publisher *p, struct sluice *link,
                          const struct speech *speech, uint32_t size);
void bench_publisher_fini(struct bench_publisher *p);

static inline bool bench_publisher_is_idle(const struct bench_publisher *p)
{
    return p->out_bytes == 0;
}

/* Starts sending the first `n` messages of a batch, which must not change until
 * the publisher is idle again. It must be idle now. */
void bench_publisher_give(struct bench_publisher *p, const struct batch *b,
                          size_t n);

/* The same with the goodbye, which ends a connection in order. */
void bench_publisher_give_goodbye(struct bench_publisher *p);

/* Version 2: takes `n` bytes that arrived. */
void bench_publisher_read(struct bench_publisher *p, const uint8_t *bytes,
                          size_t n);

/* Writes what it can. False, with errno, when the connection is broken. */
bool bench_publisher_flush(struct bench_publisher *p);

#endif
