/* SPDX-License-Identifier: MIT
 *
 * peer - the address at the other end of a connection, in as few bytes as
 * possible, because every idle connection has one.
 */
#ifndef SLUICE_NET_PEER_H
#define SLUICE_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
    uint16_t family; /* AF_INET, AF_INET6 or another */
    uint16_t port;   /* in network order */
    uint8_t ip[16];
};

/* The peer for an address that accept(2) or getpeername(2) returned. */
struct peer peer_of(const struct sockaddr *sa, socklen_t length);

/* The user whose process is at the other end of a unix socket, as the kernel
 * knows it: from the moment when it connected. False when it is none. */
bool peer_user(int fd, uint32_t *user);

/* Whether it is on this machine, as far as its address says so. */
bool peer_is_local(const struct peer *p);

enum { PEER_HOSTS = 256 };

/* A number below PEER_HOSTS that is the same for all peers of a host, and for
 * most hosts another one. A host is an address, in IPv6 a network of 64 bits;
 * all unix sockets are one host. */
uint8_t peer_host(const struct peer *p);

/* The same with 16 bits, so that hosts in thousands have their own. */
uint16_t peer_mark(const struct peer *p);

/* As sluice_address_format. */
void peer_format(const struct peer *p, char *out, size_t room);

#endif
