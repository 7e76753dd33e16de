/* SPDX-License-Identifier: MIT */
#include "common/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char address_unix_prefix[] = "unix:";

static bool address_copy(char *out, size_t room, const char *from, size_t n)
{
    if (n >= room)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static bool address_take_port(struct sluice_address *out, const char *text)
{
    size_t n = strlen(text);
    return n > 0 && strspn(text, "0123456789") == n &&
           address_copy(out->port, sizeof out->port, text, n) &&
           strtoul(text, NULL, 10) <= 65535;
}

/* A '/' means a path whose "unix:" was forgotten, or a URL. */
static bool address_take_host(struct sluice_address *out, const char *text,
                              size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] == 0x7f || strchr("/[]", text[i]))
            return false;
    return address_copy(out->host, sizeof out->host, text, n);
}

static bool address_is_number(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

/* "::1:25000" could be read in two ways; brackets decide. */
static bool address_parse_inet(struct sluice_address *out, const char *text,
                               const char *default_port)
{
    bool is_bracketed = *text == '[';
    const char *host = text + is_bracketed;
    size_t n = strcspn(host, is_bracketed ? "]" : ":");
    const char *rest = host + n;
    if ((is_bracketed && *rest++ != ']') || !address_take_host(out, host, n))
        return false;
    if (*rest == ':')
        return address_take_port(out, rest + 1);
    return *rest == '\0' && n > 0 && !address_is_number(text) &&
           address_take_port(out, default_port);
}

bool sluice_address_parse(const char *text, const char *port,
                          struct sluice_address *out)
{
    size_t prefix = strlen(address_unix_prefix);
    *out = (struct sluice_address){
        .is_unix = strncmp(text, address_unix_prefix, prefix) == 0};
    if (!out->is_unix)
        return address_parse_inet(out, text, port);
    text += prefix;
    return *text != '\0' &&
           address_copy(out->host, sizeof out->host, text, strlen(text));
}

bool sluice_address_is_peer(const struct sluice_address *a)
{
    return a->is_unix || (a->host[0] && strtoul(a->port, NULL, 10) > 0);
}

int sluice_address_resolve(const struct sluice_address *a, bool to_listen,
                           struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    const char *host = a->host;
    if (to_listen) {
        hints.ai_flags |= AI_PASSIVE;
        if (host[0] == '\0' || strcmp(host, "*") == 0)
            host = NULL;
    }
    return getaddrinfo(host, a->port, &hints, list);
}

bool sluice_address_to_unix(const struct sluice_address *a,
                            struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    return address_copy(out->sun_path, sizeof out->sun_path, a->host,
                        strlen(a->host));
}

void sluice_address_format(const struct sockaddr *sa, socklen_t length,
                           char *out, size_t room)
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
