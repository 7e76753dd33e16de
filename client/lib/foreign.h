/* SPDX-License-Identifier: MIT
 *
 * foreign - recognises servers of other protocols by their first four bytes,
 * which they send where a frame's length belongs.
 */
#ifndef SLUICE_CLIENT_LIB_FOREIGN_H
#define SLUICE_CLIENT_LIB_FOREIGN_H

#include "client/lib/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether `bytes`, the first that came from the server, `n` of them, are of
 * another protocol; then *why is SLUICE_FOREIGN, and names it. To be asked when
 * they are no length that a message may have: that of some is below 1 GiB. */
bool sluice_foreign_find(const uint8_t *bytes, size_t n,
                         struct sluice_failure *why);

#endif
