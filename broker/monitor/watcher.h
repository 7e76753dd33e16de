/* SPDX-License-Identifier: MIT
 *
 * watcher - one connection that libzmq has accepted. libzmq reads it in a
 * thread of its own, and bounds neither the subscriptions of a peer nor the
 * parts of a message that never ends: it stores both. So the broker keeps a
 * duplicate of the descriptor, with which it measures what the peer sends, and
 * ends a connection that sends too much.
 */
#ifndef SLUICE_MONITOR_WATCHER_H
#define SLUICE_MONITOR_WATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"
#include "broker/base/throttle.h"

struct event;
struct network;
struct reactor;

enum {
    WATCHER_BYTES = 16 << 10,    /* what one may send, and in addition */
    WATCHER_BYTES_REFILL = 64,   /* so much in each second */
    WATCHER_SUBSCRIPTIONS = 100, /* what one may be subscribed to */
    WATCHER_KEY_BYTES = 41,      /* as text, with its end */
};

struct watcher {
    struct list link;    /* of watchers */
    int number;          /* libzmq's descriptor: how libzmq names it */
    int fd;              /* the duplicate */
    struct event *event; /* it has sent something */
    void (*on_input)(struct watcher *w, void *arg);
    void *arg;
    char key[WATCHER_KEY_BYTES]; /* "": none, or not known yet */
    uint64_t received_bytes;
    struct throttle bytes;
    struct list subscriptions;
    size_t subscription_count;
};

/* Whether `number` is a connection to `endpoint`, as libzmq writes it: if not,
 * libzmq has closed it already, and another connection may have the number. */
bool watcher_is_at(int number, const char *endpoint);

/* NULL, with the reason in errno, when the system refuses. `on_input` is called
 * from the loop whenever bytes have come. */
struct watcher *watcher_new(struct reactor *r, int number,
                            void (*on_input)(struct watcher *w, void *arg),
                            void *arg);

/* Takes it out of its list; its subscriptions must have been taken. The
 * connection is libzmq's, and stays. */
void watcher_free(struct watcher *w);

/* Ends a connection, given libzmq's descriptor or the duplicate; libzmq notices
 * it as if the peer had. */
void watcher_cut(int fd);

/* Writes its address to `text`, or "unix". */
void watcher_address(const struct watcher *w, char *text, size_t room);

/* Where it comes from; false: a unix socket. */
bool watcher_network(const struct watcher *w, struct network *out);

/* False when it has sent more than it may. */
bool watcher_measure(struct watcher *w, clock_ms now);

/* A prefix of topics. */
struct subscription {
    struct list link;
    size_t length;
    char prefix[];
};

/* NULL when it has no such subscription. */
struct subscription *watcher_find(const struct watcher *w, const char *prefix,
                                  size_t length);

/* False when it has too many, or there is no memory. */
bool watcher_subscribe(struct watcher *w, const char *prefix, size_t length);

/* Takes the subscription, to be freed by the caller. */
void watcher_take(struct watcher *w, struct subscription *s);

#endif
