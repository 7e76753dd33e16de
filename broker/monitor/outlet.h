/* SPDX-License-Identifier: MIT
 *
 * outlet - the feed at its endpoints, in each of its forms. When libzmq takes
 * too much memory in spite of all bounds, the feed is closed, and opened again
 * later.
 */
#ifndef SLUICE_MONITOR_OUTLET_H
#define SLUICE_MONITOR_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_view;
struct local_feed;
struct outlet;
struct pub_socket_shared;
struct sentence;
struct survey_result;

/* What is offered at an endpoint. */
enum outlet_kind {
    OUTLET_TOPICS, /* a topic and a document, to subscribers: feed.h */
    OUTLET_JSON,   /* a document, to subscribers: plain_feed.h */
    OUTLET_PUSH,   /* a document, to whoever pulls: plain_feed.h */
    OUTLET_KINDS
};

struct endpoints {
    char *const *items;
    size_t count;
};

struct outlet_config {
    struct endpoints binds[OUTLET_KINDS]; /* copied */
    const struct local_feed *locals; /* borrowed; those closed are left out */
    size_t local_count;
    uint64_t taps_per_second;
    const char *key;     /* file of the secret key; NULL: not protected */
    struct users *users; /* that may have keys; borrowed for the call; NULL:
                            none */
    const char *clients; /* file of the public keys of those that may watch;
                            NULL when `key` is */
};

/* Binds all endpoints, and logs them; the locals are open already. NULL, with
 * the reason, when that is not possible. */
struct outlet *outlet_new(const struct outlet_config *config,
                          struct broker_view *broker,
                          struct pub_socket_shared *shared,
                          struct sentence *why);

void outlet_free(struct outlet *o); /* NULL is allowed */

/* Other users, borrowed for the call: those that may not watch any more are
 * disconnected. */
void outlet_set_users(struct outlet *o, struct users *users);

/* Reads the keys of clients again. False, with the reason and nothing changed,
 * when that is not possible. */
bool outlet_reload(struct outlet *o, struct sentence *why);

/* Once per interval: sends what needs no survey. True when a survey is needed
 * for the other documents. NULL is allowed. */
bool outlet_send(struct outlet *o);

/* Sends the documents of a survey. NULL is allowed. */
void outlet_send_seen(struct outlet *o, const struct survey_result *seen);

#endif
