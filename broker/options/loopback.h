/* SPDX-License-Identifier: MIT
 *
 * loopback - which hosts are this machine, and can be reached from nowhere
 * else.
 */
#ifndef SLUICE_OPTIONS_LOOPBACK_H
#define SLUICE_OPTIONS_LOOPBACK_H

#include <stdbool.h>

/* Whether `host`, an address without brackets or a name, is one. Names are not
 * resolved: of these only "localhost" is. */
bool loopback_is_host(const char *host);

#endif
