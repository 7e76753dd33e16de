/* SPDX-License-Identifier: MIT
 *
 * http_host - whether a request was meant for this server. A page anywhere on
 * the web can make its own name point to 127.0.0.1 and so have its visitors'
 * browsers ask us; but the name stays in the Host header.
 */
#ifndef SLUICE_COMMON_HTTP_HOST_H
#define SLUICE_COMMON_HTTP_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Addresses, localhost and the names given are good, with or without a
 * port. */
bool http_host_is_known(const char *host, char *const *names, size_t count);

#endif
