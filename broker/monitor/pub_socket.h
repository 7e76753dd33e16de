/* SPDX-License-Identifier: MIT
 *
 * pub_socket - a ZeroMQ socket that publishes from the broker's loop. It never
 * blocks: a peer without room misses the message, and the broker counts how
 * often a peer fell behind.
 *
 * libzmq bounds neither the number of peers nor that of their subscriptions,
 * and when descriptors run out its thread spins until one is free: an endpoint
 * is for trusted peers only.
 */
#ifndef SLUICE_MONITOR_PUB_SOCKET_H
#define SLUICE_MONITOR_PUB_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct counters;
struct pub_socket;
struct reactor;
struct sentence;

enum pub_socket_kind {
    PUB_SOCKET_PUB,  /* peers get everything */
    PUB_SOCKET_XPUB, /* reports what peers subscribe to */
};

enum {
    PUB_SOCKET_PARTS_MAX = 3,
    PUB_SOCKET_WAITING_MAX = 1000,    /* messages, for each peer */
    PUB_SOCKET_LARGE_BYTES = 4096,    /* from this size parts are accounted */
    PUB_SOCKET_HELD_BYTES = 16 << 20, /* total of all large parts */
    PUB_SOCKET_ENDPOINT_BYTES = 256,
};

/* The first peer subscribed to this prefix, or the last one unsubscribed.
 * Called from the loop. */
typedef void pub_socket_subscription_fn(void *arg, bool is_subscribed,
                                        const char *prefix, size_t length);

struct pub_socket_part {
    const void *bytes;
    size_t length;
};

/* What all sockets share; borrowed until `zmq` is terminated. */
struct pub_socket_shared {
    struct reactor *reactor;
    struct counters *counters;
    void *zmq;                /* from zmq_ctx_new; NULL when there is none */
    atomic_size_t held_bytes; /* of large parts, freed by another thread */
};

/* `on_subscription` is for XPUB, else NULL. NULL when the system refuses, with
 * the reason in errno. */
struct pub_socket *pub_socket_new(struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind,
                                  pub_socket_subscription_fn *on_subscription,
                                  void *arg);

/* NULL is allowed. Messages already sent may still leave, for a moment, while
 * `zmq` is terminated. */
void pub_socket_free(struct pub_socket *p);

/* False, with the reason of the system. */
bool pub_socket_connect(struct pub_socket *p, const char *endpoint,
                        struct sentence *why);

/* The same; writes the bound endpoint, with its real port, to `bound`. */
bool pub_socket_bind(struct pub_socket *p, const char *endpoint,
                     char bound[PUB_SOCKET_ENDPOINT_BYTES],
                     struct sentence *why);

/* Whether a part of this length may be sent: large ones share a bound. A large
 * part is always allowed when there is no other. */
bool pub_socket_has_room(const struct pub_socket *p, size_t bytes);

/* Sends copies of the parts as one message. */
void pub_socket_send(struct pub_socket *p, const struct pub_socket_part *parts,
                     size_t count);

#endif
