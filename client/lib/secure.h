/* SPDX-License-Identifier: MIT
 *
 * secure - whether a handle speaks TLS, and the beginning of it.
 */
#ifndef SLUICE_CLIENT_LIB_SECURE_H
#define SLUICE_CLIENT_LIB_SECURE_H

#include "client/lib/handle.h"

/* The address without "tls:", as it is dialled; a part of `address`. */
const char *sluice_secure_address(const char *address);

/* The handle's socket is connected, to `address`, or NULL if that is not known:
 * begins TLS on it if the settings or the address ask for that. On failure the
 * socket stays. */
SLUICE_MUST_CHECK enum sluice_error sluice_secure_begin(struct sluice *s,
                                                        const char *address);

#endif
