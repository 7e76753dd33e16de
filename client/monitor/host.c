/* SPDX-License-Identifier: MIT */
#include "client/monitor/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES = 256 };

static bool host_is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= 5 && text[n] == '\0';
}

/* Copies the host without its port and the brackets of an IPv6 address. */
static bool host_split(const char *text, char host[HOST_BYTES], bool *is_v6)
{
    *is_v6 = *text == '[';
    const char *start = text + *is_v6;
    size_t n = strcspn(start, *is_v6 ? "]" : ":");
    const char *rest = start + n;
    if (n == 0 || n >= HOST_BYTES || (*is_v6 && *rest++ != ']'))
        return false;
    memcpy(host, start, n);
    host[n] = '\0';
    return *rest == '\0' || (*rest == ':' && host_is_port(rest + 1));
}

bool host_is_known(const char *text, const char *const *names, size_t count)
{
    char host[HOST_BYTES];
    unsigned char address[sizeof(struct in6_addr)];
    bool is_v6;
    if (!host_split(text, host, &is_v6))
        return false;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, address) == 1)
        return true;
    for (size_t i = 0; i < count && !is_v6; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return !is_v6 && strcasecmp(host, "localhost") == 0;
}

bool host_is_origin(const char *host, const char *origin)
{
    static const char scheme[] = "http://";
    return strncasecmp(origin, scheme, sizeof scheme - 1) == 0 &&
           strcasecmp(origin + sizeof scheme - 1, host) == 0;
}
