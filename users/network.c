/* SPDX-License-Identifier: MIT */
#include "users/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"

enum {
    V4_BITS = 32,
    V6_BITS = 128,
    MAPPED_BITS = 96, /* before an IPv4 address that is mapped into IPv6 */
    BYTE_BITS = 8,
};

static unsigned network_bits_max(const struct network *n)
{
    return n->version == 4 ? V4_BITS : V6_BITS;
}

void network_cut(struct network *n, unsigned bits)
{
    if (bits >= n->bits)
        return;
    n->bits = (uint8_t)bits;
    for (unsigned i = 0; i < NETWORK_ADDRESS_BYTES; i++) {
        unsigned left = bits > i * BYTE_BITS ? bits - i * BYTE_BITS : 0;
        if (left < BYTE_BITS)
            n->address[i] &= (uint8_t)(0xff00u >> left);
    }
}

static bool network_parse_address(const char *text, struct network *out)
{
    *out = (struct network){.version = 4, .bits = V4_BITS};
    if (inet_pton(AF_INET, text, out->address) == 1)
        return true;
    *out = (struct network){.version = 6, .bits = V6_BITS};
    return inet_pton(AF_INET6, text, out->address) == 1;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8 in another spelling. */
static void network_unmap(struct network *n)
{
    struct in6_addr v6;
    memcpy(&v6, n->address, sizeof v6);
    if (n->version != 6 || n->bits < MAPPED_BITS || !IN6_IS_ADDR_V4MAPPED(&v6))
        return;
    uint8_t bits = (uint8_t)(n->bits - MAPPED_BITS);
    *n = network_of_ip(n->address, false);
    n->bits = bits;
}

const char *network_parse(const char *text, struct network *out)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t bits;
    if (length >= sizeof address)
        return "is not an IP address";
    memcpy(address, text, length);
    address[length] = '\0';
    if (!network_parse_address(address, out))
        return "is not an IP address, with or without /BITS behind it";
    if (!slash)
        bits = network_bits_max(out);
    else if (!units_parse_count(slash + 1, &bits) ||
             bits > network_bits_max(out))
        return "has no number of bits behind its slash, at most 32 for IPv4 "
               "and 128 for IPv6";
    struct network whole = *out;
    network_cut(out, (unsigned)bits);
    if (memcmp(whole.address, out->address, sizeof whole.address) != 0)
        return "has other bits than zero behind those of the network";
    network_unmap(out);
    return NULL;
}

struct network network_of_ip(const uint8_t *ip, bool is_v4)
{
    struct network n = {.version = 6, .bits = V6_BITS};
    struct in6_addr v6;
    if (!is_v4) {
        memcpy(&v6, ip, sizeof v6);
        memcpy(n.address, ip, sizeof v6);
        if (!IN6_IS_ADDR_V4MAPPED(&v6))
            return n;
        ip += sizeof v6 - sizeof(struct in_addr);
    }
    n = (struct network){.version = 4, .bits = V4_BITS};
    memcpy(n.address, ip, sizeof(struct in_addr));
    return n;
}

bool network_of_peer(const struct sockaddr *peer, struct network *out)
{
    const struct sockaddr_in *v4 = (const void *)peer;
    const struct sockaddr_in6 *v6 = (const void *)peer;
    if (peer->sa_family == AF_INET)
        *out = network_of_ip((const uint8_t *)&v4->sin_addr, true);
    else if (peer->sa_family == AF_INET6)
        *out = network_of_ip(v6->sin6_addr.s6_addr, false);
    return peer->sa_family == AF_INET || peer->sa_family == AF_INET6;
}

bool network_contains(const struct network *outer, const struct network *inner)
{
    if (outer->version != inner->version || outer->bits > inner->bits)
        return false;
    struct network cut = *inner;
    network_cut(&cut, outer->bits);
    return memcmp(cut.address, outer->address, sizeof cut.address) == 0;
}

int network_compare(const struct network *a, const struct network *b)
{
    if (a->version != b->version)
        return a->version - b->version;
    int order = memcmp(a->address, b->address, sizeof a->address);
    return order != 0 ? order : a->bits - b->bits;
}
