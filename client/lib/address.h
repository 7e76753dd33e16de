/* SPDX-License-Identifier: MIT
 *
 * address - where a broker is: "host:port", "[v6]:port" or "unix:PATH", taken
 * apart but not looked up.
 */
#ifndef SLUICE_CLIENT_LIB_ADDRESS_H
#define SLUICE_CLIENT_LIB_ADDRESS_H

#include <stdbool.h>
#include <sys/un.h>

enum sluice_address_kind { SLUICE_ADDRESS_INET, SLUICE_ADDRESS_UNIX };

struct sluice_address {
    enum sluice_address_kind kind;
    char host[256]; /* without brackets; inet only */
    char port[6];   /* decimal, 1 to 65535; inet only */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* unix only */
};

/* False when `text` is none of the three forms. */
bool sluice_address_parse(const char *text, struct sluice_address *out);

#endif
