/* SPDX-License-Identifier: MIT */
#include "client/lib/address.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_UNIX "unix:"

/* Copies the bytes from `from` to `end` as text; false when they are none or
 * too many. */
static bool address_copy(char *out, size_t room, const char *from,
                         const char *end)
{
    size_t n = (size_t)(end - from);
    if (n == 0 || n >= room)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static bool address_parse_port(const char *text, char out[static 6])
{
    size_t digits = strspn(text, "0123456789");
    if (text[digits] != '\0' || !address_copy(out, 6, text, text + digits))
        return false;
    long port = strtol(text, NULL, 10);
    return port >= 1 && port <= 65535;
}

static bool address_parse_unix(const char *path, struct sluice_address *out)
{
    out->kind = SLUICE_ADDRESS_UNIX;
    return address_copy(out->path, sizeof out->path, path, path + strlen(path));
}

static bool address_parse_inet(const char *text, struct sluice_address *out)
{
    out->kind = SLUICE_ADDRESS_INET;
    const char *colon = strrchr(text, ':');
    if (!colon || !address_parse_port(colon + 1, out->port))
        return false;
    if (*text == '[')
        return colon > text + 1 && colon[-1] == ']' &&
               address_copy(out->host, sizeof out->host, text + 1, colon - 1);
    /* "::1:25000" could mean two things; brackets say which. */
    if (memchr(text, ':', (size_t)(colon - text)))
        return false;
    return address_copy(out->host, sizeof out->host, text, colon);
}

bool sluice_address_parse(const char *text, struct sluice_address *out)
{
    *out = (struct sluice_address){.kind = SLUICE_ADDRESS_INET};
    size_t prefix = strlen(ADDRESS_UNIX);
    if (strncmp(text, ADDRESS_UNIX, prefix) == 0)
        return address_parse_unix(text + prefix, out);
    return address_parse_inet(text, out);
}
