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
struct pub_thread_report;
struct reactor;
struct watchers;
struct zap;

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
    const struct zap *zap;         /* who may watch */
    watchers_change_fn *on_change; /* NULL: nobody needs to know */
    void *arg;
};

/* NULL, with the reason in errno, when the system refuses. */
struct watchers *watchers_new(const struct watchers_setup *setup);

/* Call this before the socket is closed. NULL is allowed. */
void watchers_free(struct watchers *ws);

/* Those that are connected. */
size_t watchers_count(const struct watchers *ws);

/* A message came: the connection wants this prefix, or does not any more. One
 * that may not watch, or not that, is ended. */
void watchers_hear(struct watchers *ws, const struct pub_thread_report *head,
                   const char *prefix, size_t length);

/* Rights have changed: ends connections that may not watch any more, or not
 * what they are subscribed to. `is_any`: those as well of which the key is not
 * known. */
void watchers_review(struct watchers *ws, bool is_any);

#endif
