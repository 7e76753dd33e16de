/* SPDX-License-Identifier: MIT
 *
 * opening - the first unit of a connection of version 2: "\0SLUICE/2", options,
 * and a secret, which is not needed yet.
 */
#ifndef SLUICE_SESSION_UNITS_OPENING_H
#define SLUICE_SESSION_UNITS_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/session/session_kind.h"

/* HELLO: see session_kind.h. The first frame begins with NUL. */
struct verdict opening_take(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out);

/* Whether the bytes, the beginning of a first frame, can only be an opening: so
 * the client understands units. */
bool opening_is_certain(const uint8_t *bytes, size_t n);

#endif
