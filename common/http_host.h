/* SPDX-License-Identifier: MIT
 *
 * http_host - whether a request was meant for this server. A page anywhere on
 * the web can make its own name point to 127.0.0.1 and so have its visitors'
 * browsers ask us; but the name stays in the Host header, and the site in
 * Origin.
 */
#ifndef SLUICE_COMMON_HTTP_HOST_H
#define SLUICE_COMMON_HTTP_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Addresses, localhost and the names given are good, with or without a
 * port. */
bool http_host_is_known(const char *host, const char *const *names,
                        size_t count);

/* Whether a page of `origin`, the header of that name, is one of `host`, which
 * speaks TLS or not. */
bool http_host_is_origin(const char *host, const char *origin, bool has_tls);

#endif
