/* SPDX-License-Identifier: MIT
 *
 * zap - decides who may watch, when libzmq asks (ZeroMQ's RFC 27): the owners
 * of keys in a file, or users that have one and may watch, if the feed is
 * protected; and not too many in a second. As
 * long as a peer is not admitted, libzmq reads nothing from it but its
 * handshake.
 */
#ifndef SLUICE_MONITOR_ZAP_H
#define SLUICE_MONITOR_ZAP_H

#include <stdbool.h>
#include <stddef.h>

struct network;
struct pub_socket_shared;
struct sentence;
struct users;
struct zap;

/* What libzmq says when it asks: which endpoint it is about. */
#define ZAP_DOMAIN_OPEN "sluice.local" /* without keys */
#define ZAP_DOMAIN_KEYS "sluice.feed"  /* with keys */

enum {
    ZAP_BURST = 64,      /* peers admitted at once, */
    ZAP_PER_SECOND = 32, /* and then */
};

/* `clients` is a file of public keys (common/key_file.h), or NULL: there is
 * none. `users` is borrowed for the call, and NULL when there are none. Call it
 * before a socket in these domains is bound. NULL, with the
 * reason, when the file cannot be used or the system refuses. */
struct zap *zap_new(struct pub_socket_shared *shared, const char *clients,
                    struct users *users, struct sentence *why);

/* NULL is allowed. */
void zap_free(struct zap *z);

/* Reads the file again. False, with the reason and nothing changed, when it
 * cannot be used. */
bool zap_reload(struct zap *z, struct sentence *why);

/* Other users, borrowed for the call. */
void zap_set_users(struct zap *z, struct users *users);

/* Why the owner of a public key may not watch, as a word for the log; NULL: it
 * may. `from` is where it comes from; NULL: a unix socket. */
const char *zap_fault(const struct zap *z, const char *key,
                      const struct network *from);

/* The same of subscribing to the topics that begin with `prefix`: messages,
 * which taps show, are for users that may subscribe to their channels. */
const char *zap_topic_fault(const struct zap *z, const char *key,
                            const char *prefix, size_t length);

/* Whether keys that were admitted since the last call may not watch any more.
 */
bool zap_take_revoked(struct zap *z);

#endif
