/* SPDX-License-Identifier: MIT
 *
 * outlet - a ZeroMQ socket that publishes from the broker's loop. It never
 * blocks: whoever has no room misses what is sent, and the number of times
 * that somebody fell behind is counted.
 *
 * libzmq has no bound on the number of peers or of their subscriptions, and
 * when descriptors run out its thread spins until one is free: an endpoint is
 * for those who are trusted.
 */
#ifndef SLUICE_MONITOR_OUTLET_H
#define SLUICE_MONITOR_OUTLET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct counters;
struct outlet;
struct reactor;

enum outlet_kind {
    OUTLET_PUB,  /* says everything to everybody */
    OUTLET_XPUB, /* and is told who wants what */
};

enum {
    OUTLET_PARTS_MAX = 3,
    OUTLET_WAITING_MAX = 1000,    /* messages, for each peer */
    OUTLET_LARGE_BYTES = 4096,    /* parts from here on are accounted */
    OUTLET_HELD_BYTES = 16 << 20, /* that all large parts may hold */
    OUTLET_ERROR_BYTES = 512,
    OUTLET_ENDPOINT_BYTES = 256,
};

/* Some watcher begins to want, or nobody wants any more, what begins with
 * `topic`. Called from the loop. */
typedef void outlet_wish_fn(void *arg, bool wants, const char *topic,
                            size_t length);

struct outlet_part {
    const void *bytes;
    size_t length;
};

/* What all outlets share; borrowed until the context is closed. */
struct outlet_ground {
    struct reactor *reactor;
    struct counters *counters;
    void *context;      /* of zmq_ctx_new */
    atomic_size_t held; /* bytes of large parts, which another thread frees */
};

/* `on_wish` is for XPUB, else NULL. NULL when the system refuses, with the
 * reason in errno. */
struct outlet *outlet_new(struct outlet_ground *ground, enum outlet_kind kind,
                          outlet_wish_fn *on_wish, void *arg);

/* What is sent has a moment to leave, while the context is closed. */
void outlet_free(struct outlet *o); /* NULL is allowed */

/* False with what the system says in `error`. */
bool outlet_connect(struct outlet *o, const char *endpoint,
                    char error[OUTLET_ERROR_BYTES]);

/* The same; what was bound, with its real port, is put into `bound`. */
bool outlet_bind(struct outlet *o, const char *endpoint,
                 char bound[OUTLET_ENDPOINT_BYTES],
                 char error[OUTLET_ERROR_BYTES]);

/* Whether a part of so many bytes may be sent: large ones are bounded
 * together. One may always be under way. */
bool outlet_has_room(const struct outlet *o, size_t bytes);

/* Sends copies. */
void outlet_send(struct outlet *o, const struct outlet_part *parts,
                 size_t count);

#endif
