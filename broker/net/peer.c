/* SPDX-License-Identifier: MIT */
#include "broker/net/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/address.h"

struct peer peer_of(const struct sockaddr *sa, socklen_t length)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct peer p = {.family = sa->sa_family};
    if (p.family == AF_INET && length >= sizeof v4) {
        memcpy(&v4, sa, sizeof v4);
        p.port = v4.sin_port;
        memcpy(p.ip, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (p.family == AF_INET6 && length >= sizeof v6) {
        memcpy(&v6, sa, sizeof v6);
        p.port = v6.sin6_port;
        memcpy(p.ip, &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    return p;
}

bool peer_user(int fd, uint32_t *user)
{
    struct ucred who;
    socklen_t length = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0 ||
        who.uid == (uid_t)-1) /* as of a TCP socket */
        return false;
    *user = who.uid;
    return true;
}

bool peer_is_local(const struct peer *p)
{
    if (p->family == AF_INET)
        return p->ip[0] == IN_LOOPBACKNET;
    struct in6_addr ip;
    memcpy(&ip, p->ip, sizeof ip);
    return p->family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&ip);
}

uint16_t peer_mark(const struct peer *p)
{
    size_t n = p->family == AF_INET6 ? 8 : p->family == AF_INET ? 4 : 0;
    uint32_t hash = 0x811c9dc5; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p->ip[i]) * 0x01000193;
    return (uint16_t)(hash >> 16 ^ hash);
}

uint8_t peer_host(const struct peer *p)
{
    uint16_t mark = peer_mark(p);
    return (uint8_t)(mark >> 8 ^ mark);
}

void peer_format(const struct peer *p, char *out, size_t room)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = p->port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = p->port};
    memcpy(&v4.sin_addr, p->ip, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, p->ip, sizeof v6.sin6_addr);
    if (p->family == AF_INET)
        sluice_address_format((const struct sockaddr *)&v4, sizeof v4, out,
                              room);
    else if (p->family == AF_INET6)
        sluice_address_format((const struct sockaddr *)&v6, sizeof v6, out,
                              room);
    else
        snprintf(out, room, "unix");
}
