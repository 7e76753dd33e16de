/* SPDX-License-Identifier: MIT
 *
 * tls_shaking - the handshakes that are under way: a bounded number of places,
 * and threads that compute.
 *
 *     greet -> GREETING            its ClientHello is not complete
 *     join  -> WAITING -> a place -> step by a thread -> waits for its client
 *              (by host)             ^                 |
 *                                    +---- go_on ------+
 *
 * Hosts take turns, for places and for threads, so that a flood waits behind
 * itself; and a thread first computes the steps that go on, whose clients have
 * shown that they are there. When all places are taken, the one that was
 * answered first gives way, as in the queue of half-open connections of a
 * kernel: what its client has sent since does not count, or a trickle of it
 * would keep the place. A host whose handshakes fail is given fewer, and is
 * served after the others.
 */
#ifndef SLUICE_NET_TLS_SHAKING_H
#define SLUICE_NET_TLS_SHAKING_H

#include <stdbool.h>
#include <stdint.h>

struct counters;
struct reactor;
struct tls_link;
struct tls_shaking;

enum {
    TLS_HALF_OPEN_MAX = 256,
    TLS_HALF_OPEN_HOST_MAX = 32,
    TLS_PEER_MS = 1000, /* a place is kept so long while one waits for it, */
    TLS_PEER_LEAST_MS = 150,    /* and so long while as many wait as there are
                                   places; a thread answers about 256 clients in
                                   that time, so no more is gained by less */
    TLS_GREETING_MAX = 4 << 20, /* bytes of all that are GREETING */
    TLS_THREADS_MAX = 16,
    TLS_FAILURES = 20,     /* of a host at once, */
    TLS_FAILURES_MS = 500, /* and one more in each of these periods */
};

/* NULL when the system refuses. The threads begin with the first handshake. */
struct tls_shaking *
tls_shaking_new(struct reactor *r, struct counters *counters, uint32_t threads);

/* No link may be left in it. Waits for the threads. */
void tls_shaking_free(struct tls_shaking *s);

/* How long a place is kept for a client that does not complete its handshake,
 * in a crowd: the most that have waited for one since nobody did. */
uint32_t tls_shaking_patience_ms(uint32_t crowd);

/* How many handshakes wait for a place. */
uint32_t tls_shaking_waiting(const struct tls_shaking *s);

/* More of its ClientHello has come. Beyond TLS_GREETING_MAX the link that began
 * first fails: perhaps this one. */
void tls_shaking_greet(struct tls_shaking *s, struct tls_link *l);

/* The link, whose ClientHello is complete, is away until it has a place and a
 * step was computed. False when it cannot be. */
bool tls_shaking_join(struct tls_shaking *s, struct tls_link *l);

/* Its client has sent a whole record: it is away until a step was computed. */
bool tls_shaking_go_on(struct tls_shaking *s, struct tls_link *l);

/* Its stream closes. If a thread has it, it is freed when that has ended. */
void tls_shaking_leave(struct tls_shaking *s, struct tls_link *l);

#endif
