/* SPDX-License-Identifier: MIT
 *
 * address - where to listen or to connect: `host:port`, `[v6]:port` or
 * `unix:PATH`, the port being optional. Broker, libsluice and the collector
 * read addresses with this one parser. Its names begin with sluice_ because
 * they are linked into users' programs.
 */
#ifndef SLUICE_COMMON_ADDRESS_H
#define SLUICE_COMMON_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Where a broker listens and a client looks for one, by default.
 * client/sluice.h defines them for users' programs; client/lib/dial.c includes
 * both, so that it would not compile if they differed. */
#define SLUICE_DEFAULT_PORT      "25000"
#define SLUICE_DEFAULT_HTTP_PORT "25080"
#define SLUICE_DEFAULT_SERVER    "127.0.0.1:" SLUICE_DEFAULT_PORT

/* What an address looks like, for error sentences. */
#define SLUICE_ADDRESS_FORM "host:port, [v6]:port or unix:PATH"

enum {
    SLUICE_ADDRESS_TEXT_BYTES = 128, /* room for any socket's address as text */
    SLUICE_ADDRESS_HOST_BYTES = 256,
};

struct sluice_address {
    bool is_unix;
    char host[SLUICE_ADDRESS_HOST_BYTES]; /* without brackets; or the path */
    char port[6];                         /* decimal; "" if is_unix */
};

/* Takes an address apart; resolves nothing. An address without a port has
 * `port`. False when `text` has none of the forms, or is a number alone, which
 * was probably meant as a port. The host may be empty when the port is given:
 * see sluice_address_is_peer. */
bool sluice_address_parse(const char *text, const char *port,
                          struct sluice_address *out);

/* Whether it can be connected to: it names a host, and a port other than 0. */
bool sluice_address_is_peer(const struct sluice_address *a);

/* Resolves it, for listening or for connecting; to listen, the hosts "" and
 * "*" mean every interface. Returns 0, with *list to be given to freeaddrinfo,
 * or an error for gai_strerror. Not for unix addresses. */
int sluice_address_resolve(const struct sluice_address *a, bool to_listen,
                           struct addrinfo **list);

/* The same for a unix address. False when its path is too long for a socket. */
bool sluice_address_to_unix(const struct sluice_address *a,
                            struct sockaddr_un *out);

/* Writes `ip:port`, `[ip6]:port` or, for any other family, `unix`. */
void sluice_address_format(const struct sockaddr *sa, socklen_t length,
                           char *out, size_t room);

#endif
