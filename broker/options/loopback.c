/* SPDX-License-Identifier: MIT */
#include "broker/options/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { LOOPBACK_NET = 127 };

bool loopback_is_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == LOOPBACK_NET;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0;
}
