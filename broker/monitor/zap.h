/* SPDX-License-Identifier: MIT
 *
 * zap - decides who may watch, when libzmq asks (ZeroMQ's RFC 27): the owners
 * of keys in a file, if the feed is protected, and not too many in a second. As
 * long as a peer is not admitted, libzmq reads nothing from it but its
 * handshake.
 */
#ifndef SLUICE_MONITOR_ZAP_H
#define SLUICE_MONITOR_ZAP_H

#include <stdbool.h>

struct pub_socket_shared;
struct sentence;
struct zap;

/* What libzmq says when it asks: which endpoint it is about. */
#define ZAP_DOMAIN_OPEN "sluice.local" /* without keys */
#define ZAP_DOMAIN_KEYS "sluice.feed"  /* with keys */

enum {
    ZAP_BURST = 64,      /* peers admitted at once, */
    ZAP_PER_SECOND = 32, /* and then */
};

/* `clients` is a file of public keys (common/key_file.h), or NULL: there are
 * none. Call it before a socket in these domains is bound. NULL, with the
 * reason, when the file cannot be used or the system refuses. */
struct zap *zap_new(struct pub_socket_shared *shared, const char *clients,
                    struct sentence *why);

/* NULL is allowed. */
void zap_free(struct zap *z);

/* Reads the file again. False, with the reason and nothing changed, when it
 * cannot be used. Peers that are connected stay. */
bool zap_reload(struct zap *z, struct sentence *why);

#endif
