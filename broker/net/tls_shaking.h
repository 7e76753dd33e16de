/* SPDX-License-Identifier: MIT
 *
 * tls_shaking - the handshakes that are under way: a bounded number of places,
 * and threads that compute.
 *
 *     join -> WAITING -> a place -> step by a thread -> waits for its client
 *             (by host)             ^                 |
 *                                   +---- go_on ------+
 *
 * Hosts take turns, for places and for threads, so that a flood waits behind
 * itself. When all places are taken, the one whose client has been silent
 * longest gives way, as in the queue of half-open connections of a kernel.
 * A host whose handshakes fail is given fewer.
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
    TLS_PEER_MS = 1000, /* a client may be silent so long, whoever waits */
    TLS_THREADS_MAX = 16,
    TLS_FAILURES = 20,     /* of a host at once, */
    TLS_FAILURES_MS = 500, /* and one more in each of these periods */
};

/* NULL when the system refuses. The threads begin with the first handshake. */
struct tls_shaking *
tls_shaking_new(struct reactor *r, struct counters *counters, uint32_t threads);

/* No link may be left in it. Waits for the threads. */
void tls_shaking_free(struct tls_shaking *s);

/* The link, WAITING, is away until it has a place and a step was computed.
 * False when it cannot be. */
bool tls_shaking_join(struct tls_shaking *s, struct tls_link *l);

/* Its client has sent something: it is away until a step was computed. */
bool tls_shaking_go_on(struct tls_shaking *s, struct tls_link *l);

/* Its stream closes. If a thread has it, it is freed when that has ended. */
void tls_shaking_leave(struct tls_shaking *s, struct tls_link *l);

#endif
