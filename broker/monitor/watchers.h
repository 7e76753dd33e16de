/* SPDX-License-Identifier: MIT
 *
 * watchers - all connections to one bound socket, their number bounded.
 * libzmq's monitor of the socket reports those that come and go. What they
 * subscribe to is counted here for each of them, because libzmq's own reports
 * can be wrong: a watcher that ends a subscription which it does not have, ends
 * it for all.
 *
 * ZMQ_XPUB_MANUAL is not the way to decide about subscriptions: libzmq stores
 * them all the same, and up to 4.3.4 a subscription that is entered for a peer
 * that has just left is a use after free.
 */
#ifndef SLUICE_MONITOR_WATCHERS_H
#define SLUICE_MONITOR_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>

struct counters;
struct log;
struct reactor;
struct watchers;

enum { WATCHERS_MAX = 64, WATCHERS_DESCRIPTORS = 2 /* each */ };

/* As many as there may be: fewer than WATCHERS_MAX where the limit on open
 * files is low. */
size_t watchers_most(void);

/* The first watcher has subscribed to this prefix, or the last one is not
 * subscribed to it any more. Called from the loop. */
typedef void watchers_change_fn(void *arg, bool is_subscribed,
                                const char *prefix, size_t length);

/* What it works with; borrowed. */
struct watchers_setup {
    struct reactor *reactor;
    struct counters *counters;
    struct log *log;
    void *zmq;                     /* the context of `socket` */
    void *socket;                  /* not bound yet */
    watchers_change_fn *on_change; /* NULL: nobody needs to know */
    void *arg;
};

/* NULL, with the reason in errno, when the system refuses. */
struct watchers *watchers_new(const struct watchers_setup *setup);

/* Call this before the socket is closed. NULL is allowed. */
void watchers_free(struct watchers *ws);

/* Those that are connected. */
size_t watchers_count(const struct watchers *ws);

/* A message that came from the connection with libzmq's descriptor `number`
 * (negative when libzmq does not say): it wants this prefix, or does not any
 * more. */
void watchers_hear(struct watchers *ws, int number, bool is_subscribed,
                   const char *prefix, size_t length);

#endif
