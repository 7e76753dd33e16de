/* SPDX-License-Identifier: MIT
 *
 * host - whether a request was meant for this server, and came from its own
 * page. A site anywhere can let its name point to 127.0.0.1 and have its
 * visitors' browsers ask us; but the name stays in the Host header, and the
 * site in Origin.
 */
#ifndef SLUICE_CLIENT_MONITOR_HOST_H
#define SLUICE_CLIENT_MONITOR_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Addresses, localhost and the names given are good, with a port or without. */
bool host_is_known(const char *host, const char *const *names, size_t count);

/* Whether a page of `origin` is one of `host`. */
bool host_is_origin(const char *host, const char *origin);

#endif
