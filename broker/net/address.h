/* SPDX-License-Identifier: MIT
 *
 * address - where to listen: `host:port`, `[v6]:port` or `unix:PATH`; and who
 * a peer is, as text.
 */
#ifndef SLUICE_NET_ADDRESS_H
#define SLUICE_NET_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_FORM "host:port, [v6]:port or unix:PATH"

enum {
    ADDRESS_TEXT_BYTES = 128, /* room for any address as text */
    ADDRESS_HOST_BYTES = 256,
};

struct address {
    bool is_unix;
    char host[ADDRESS_HOST_BYTES]; /* "" for any; or the path */
    char port[8];
};

/* Splits an address; resolves nothing. False when it has not the form. */
bool address_parse(const char *text, struct address *out);

/* Resolves it for listening. Returns 0, with *list to be given to
 * freeaddrinfo, or an error for gai_strerror. Not for unix addresses. */
int address_resolve(const struct address *a, struct addrinfo **list);

/* False when the path is too long for a socket. */
bool address_to_unix(const struct address *a, struct sockaddr_un *out);

/* What an operator should look at when an address could not be had, behind
 * strerror(err): "; is sluiced already running?", or "". A constant. */
const char *address_hint(int err);

/* Who is at the other end, in as few bytes as that takes. */
struct peer {
    uint16_t family; /* AF_INET, AF_INET6 or another */
    uint16_t port;   /* in network order */
    uint8_t ip[16];
};

struct peer peer_of(const struct sockaddr *sa, socklen_t length);

/* As address_format. */
void peer_format(const struct peer *p, char *out, size_t room);

/* Writes `ip:port`, `[ip6]:port` or `unix`. */
void address_format(const struct sockaddr *sa, socklen_t length, char *out,
                    size_t room);

#endif
