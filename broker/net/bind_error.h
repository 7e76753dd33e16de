/* SPDX-License-Identifier: MIT
 *
 * bind_error - what an operator should check when an address cannot be bound.
 */
#ifndef SLUICE_NET_BIND_ERROR_H
#define SLUICE_NET_BIND_ERROR_H

#include <errno.h>

/* A suffix for strerror(err): "; is sluiced already running?", or "". A
 * constant. */
static inline const char *bind_error_hint(int err)
{
    return err == EADDRINUSE ? "; is sluiced already running?" : "";
}

#endif
