/* SPDX-License-Identifier: MIT
 *
 * outlet - the feed at its endpoints. When libzmq takes too much memory in
 * spite of all bounds, the feed is closed, and opened again later.
 */
#ifndef SLUICE_MONITOR_OUTLET_H
#define SLUICE_MONITOR_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_view;
struct feed;
struct local_feed;
struct outlet;
struct pub_socket_shared;
struct sentence;

struct outlet_config {
    char *const *endpoints; /* copied */
    size_t count;
    const struct local_feed *locals; /* borrowed; those closed are left out */
    size_t local_count;
    uint64_t taps_per_second;
    const char *key;     /* file of the secret key; NULL: not protected */
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

/* Reads the keys of clients again. False, with the reason and nothing changed,
 * when that is not possible. */
bool outlet_reload(struct outlet *o, struct sentence *why);

/* NULL while it is closed, or when `o` is. */
struct feed *outlet_feed(struct outlet *o);

#endif
