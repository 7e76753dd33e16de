/* SPDX-License-Identifier: MIT
 *
 * loopback - which hosts are this machine, and can be reached from nowhere
 * else.
 */
#ifndef SLUICE_COMMON_LOOPBACK_H
#define SLUICE_COMMON_LOOPBACK_H

#include <stdbool.h>

/* Whether `host`, an address without brackets or a name, is one. Names are not
 * resolved: of these only "localhost" is. */
bool loopback_is_host(const char *host);

/* Whether only programs of this machine can be at the other end of an endpoint
 * of ZeroMQ, such as tcp://127.0.0.1:5555. */
bool loopback_is_endpoint(const char *endpoint);

#endif
