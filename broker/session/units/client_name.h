/* SPDX-License-Identifier: MIT
 *
 * client_name - what clients of version 2 call themselves in their openings,
 * for monitoring. Few have a name, and they pay for it; it is found by the
 * number of the connection.
 */
#ifndef SLUICE_SESSION_UNITS_CLIENT_NAME_H
#define SLUICE_SESSION_UNITS_CLIENT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/span.h"

struct session;

enum { CLIENT_NAME_MAX = 64 };

/* The session has none yet; `spelled` is legal, and may be "". False without
 * memory. */
bool client_name_set(const struct session *s, struct span spelled);

/* NULL when it has none; valid until it is forgotten. */
const uint8_t *client_name_get(const struct session *s, uint32_t *length);

/* Harmless when it has none. */
void client_name_forget(const struct session *s);

#endif
