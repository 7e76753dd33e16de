/* SPDX-License-Identifier: MIT */
#include "common/http_host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HTTP_HOST_BYTES = 256 };

static bool http_host_is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= 5 && text[n] == '\0';
}

/* Copies the host without its port, and without the brackets around an IPv6
 * address. */
static bool http_host_split(const char *text, char host[HTTP_HOST_BYTES],
                            bool *is_v6)
{
    *is_v6 = *text == '[';
    const char *start = text + *is_v6;
    size_t n = strcspn(start, *is_v6 ? "]" : ":");
    const char *rest = start + n;
    if (n >= HTTP_HOST_BYTES || (*is_v6 && *rest++ != ']'))
        return false;
    memcpy(host, start, n);
    host[n] = '\0';
    return *rest == '\0' || (*rest == ':' && http_host_is_port(rest + 1));
}

bool http_host_is_known(const char *text, const char *const *names,
                        size_t count)
{
    char host[HTTP_HOST_BYTES];
    unsigned char address[sizeof(struct in6_addr)];
    bool is_v6;
    if (!http_host_split(text, host, &is_v6))
        return false;
    if (is_v6 || inet_pton(AF_INET, host, address) == 1)
        return !is_v6 || inet_pton(AF_INET6, host, address) == 1;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return strcasecmp(host, "localhost") == 0;
}

bool http_host_is_origin(const char *host, const char *origin, bool has_tls)
{
    const char *scheme = has_tls ? "https://" : "http://";
    size_t n = strlen(scheme);
    return strncasecmp(origin, scheme, n) == 0 &&
           strcasecmp(origin + n, host) == 0;
}
