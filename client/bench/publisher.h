/* SPDX-License-Identifier: MIT
 *
 * publisher - one connection that sends. What it is given it writes as far as
 * the kernel takes it; it takes nothing new before that is gone.
 */
#ifndef SLUICE_CLIENT_BENCH_PUBLISHER_H
#define SLUICE_CLIENT_BENCH_PUBLISHER_H

#include "client/bench/batch.h"

struct publisher {
    int fd;             /* -1 when not connected, or closed after the goodbye */
    bool is_full;       /* the kernel takes no more for now */
    bool is_leaving;    /* has said goodbye: the end of file is expected */
    const uint8_t *out; /* what is still to be written ... */
    size_t out_bytes;   /* ... 0: nothing */
    struct batch batch;
    uint64_t share; /* messages it has to send in all */
    uint64_t made;  /* messages put into `out` so far */
};

/* Takes `fd`, -1 allowed; says hello. False without memory; fini is needed in
 * any case. */
bool publisher_init(struct publisher *p, int fd, const char *channel,
                    uint32_t size);
void publisher_fini(struct publisher *p);

static inline bool publisher_is_idle(const struct publisher *p)
{
    return p->out_bytes == 0;
}

/* Puts the first `n` messages of a batch on their way, which must stay as they
 * are until the publisher is idle again. It must be idle now. */
void publisher_give(struct publisher *p, const struct batch *b, size_t n);

/* The same with what ends a connection in order. */
void publisher_give_goodbye(struct publisher *p);

/* Writes what it can. False, with errno, when the connection is broken. */
bool publisher_flush(struct publisher *p);

#endif
