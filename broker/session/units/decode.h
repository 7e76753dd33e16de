/* SPDX-License-Identifier: MIT
 *
 * decode - takes the units out of what a client sends. A head is judged as soon
 * as it is complete, before its body is read; a body that is refused is counted
 * and thrown away, and never kept.
 */
#ifndef SLUICE_SESSION_UNITS_DECODE_H
#define SLUICE_SESSION_UNITS_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "broker/session/session_kind.h"

/* See session_kind.h. */
struct verdict decode_units(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out);
struct verdict decode_complete(struct session *s);

#endif
