/* SPDX-License-Identifier: MIT
 *
 * bind_error - what an operator should look at when an address could not be
 * had.
 */
#ifndef SLUICE_NET_BIND_ERROR_H
#define SLUICE_NET_BIND_ERROR_H

#include <errno.h>

/* To be put behind strerror(err): "; is sluiced already running?", or "". A
 * constant. */
static inline const char *bind_error_hint(int err)
{
    return err == EADDRINUSE ? "; is sluiced already running?" : "";
}

#endif
