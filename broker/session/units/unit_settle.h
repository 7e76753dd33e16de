/* SPDX-License-Identifier: MIT
 *
 * unit_settle - what follows from a write, for all that a client is owed: a
 * unit has gone, or has begun to go.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_SETTLE_H
#define SLUICE_SESSION_UNITS_UNIT_SETTLE_H

#include <stddef.h>

struct session;
struct unit_render;

/* So many bytes of what was rendered were written; nothing is pledged. */
void unit_settle(struct session *s, const struct unit_render *r, size_t taken);

/* The same when something is, or was: so many bytes were taken, of which the
 * kernel has `written`. */
void unit_settle_pledged(struct session *s, const struct unit_render *r,
                         size_t taken, size_t written);

#endif
