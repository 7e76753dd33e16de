/* SPDX-License-Identifier: MIT
 *
 * network - addresses that begin with the same bits: 10.1.2.0/24,
 * 2001:db8::/32, or one address alone.
 */
#ifndef SLUICE_USERS_NETWORK_H
#define SLUICE_USERS_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NETWORK_ADDRESS_BYTES = 16 };

struct network {
    uint8_t version;                        /* of IP: 4 or 6 */
    uint8_t bits;                           /* that addresses have in common */
    uint8_t address[NETWORK_ADDRESS_BYTES]; /* the first one; zeros behind it */
};

/* Reads one; IPv4 that is mapped into IPv6 is IPv4. NULL, or what is wrong with
 * `text`: a part of a sentence. */
const char *network_parse(const char *text, struct network *out);

/* That of one socket's address alone; IPv4 that is mapped into IPv6 is IPv4.
 * False when it has no IP address. */
bool network_of_peer(const struct sockaddr *peer, struct network *out);

/* The same for an address as the kernel has it, 4 or 16 bytes. */
struct network network_of_ip(const uint8_t *ip, bool is_v4);

/* Widens it to its first `bits`, if it has more. */
void network_cut(struct network *n, unsigned bits);

/* Also the same network. */
bool network_contains(const struct network *outer, const struct network *inner);

/* An order in which a network comes before those it contains. */
int network_compare(const struct network *a, const struct network *b);

#endif
