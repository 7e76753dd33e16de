/* SPDX-License-Identifier: MIT */
#include "broker/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char unix_prefix[] = "unix:";

static bool copy_part(char *out, size_t room, const char *from, size_t n)
{
    if (n >= room)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static bool parse_port(const char *text, struct address *out)
{
    size_t n = strlen(text);
    if (n == 0 || n > 5 || strspn(text, "0123456789") != n ||
        strtoul(text, NULL, 10) > 65535)
        return false;
    return copy_part(out->port, sizeof out->port, text, n);
}

bool address_parse(const char *text, struct address *out)
{
    *out = (struct address){.is_unix = false};
    if (strncmp(text, unix_prefix, strlen(unix_prefix)) == 0) {
        const char *path = text + strlen(unix_prefix);
        out->is_unix = true;
        return *path &&
               copy_part(out->host, sizeof out->host, path, strlen(path));
    }
    const char *colon = strrchr(text, ':');
    if (!colon || !parse_port(colon + 1, out))
        return false;
    const char *host = text;
    size_t n = (size_t)(colon - text);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(host, ':', n)) {
        return false; /* a v6 address wants its brackets */
    }
    return copy_part(out->host, sizeof out->host, host, n);
}

int address_resolve(const struct address *a, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *host = a->host[0] && strcmp(a->host, "*") != 0 ? a->host : NULL;
    return getaddrinfo(host, a->port, &hints, list);
}

bool address_to_unix(const struct address *a, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    return copy_part(out->sun_path, sizeof out->sun_path, a->host,
                     strlen(a->host));
}

const char *address_hint(int err)
{
    return err == EADDRINUSE ? "; is sluiced already running?" : "";
}

void address_format(const struct sockaddr *sa, socklen_t length, char *out,
                    size_t room)
{
    char host[64], port[8];
    if (sa->sa_family == AF_UNIX ||
        getnameinfo(sa, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(out, room, "unix");
        return;
    }
    bool is_v6 = sa->sa_family == AF_INET6;
    snprintf(out, room, is_v6 ? "[%s]:%s" : "%s:%s", host, port);
}

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

void peer_format(const struct peer *p, char *out, size_t room)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = p->port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = p->port};
    memcpy(&v4.sin_addr, p->ip, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, p->ip, sizeof v6.sin6_addr);
    if (p->family == AF_INET)
        address_format((const struct sockaddr *)&v4, sizeof v4, out, room);
    else if (p->family == AF_INET6)
        address_format((const struct sockaddr *)&v6, sizeof v6, out, room);
    else
        snprintf(out, room, "unix");
}
