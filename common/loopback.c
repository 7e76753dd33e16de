/* SPDX-License-Identifier: MIT */
#include "common/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { LOOPBACK_NET = 127, HOST_BYTES = 128 };

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

bool loopback_is_endpoint(const char *endpoint)
{
    static const char tcp[] = "tcp://", ipc[] = "ipc://";
    char host[HOST_BYTES];
    if (strncmp(endpoint, ipc, strlen(ipc)) == 0)
        return true;
    const char *port = strrchr(endpoint, ':');
    if (strncmp(endpoint, tcp, strlen(tcp)) != 0 ||
        port < endpoint + strlen(tcp))
        return false;
    const char *begin = endpoint + strlen(tcp), *end = port;
    if (*begin == '[' && end > begin + 1 && end[-1] == ']') {
        begin++;
        end--;
    }
    snprintf(host, sizeof host, "%.*s", (int)(end - begin), begin);
    /* "lo" is what ZeroMQ calls that interface. */
    return loopback_is_host(host) || strcmp(host, "lo") == 0;
}
