/* SPDX-License-Identifier: MIT
 *
 * keepalive - a client that sends nothing for a period is pinged, and has ended
 * when nothing has come for another one. Anything that comes is a sign of life,
 * and so is output that it takes when its socket was full. A client that is not
 * read cannot be heard: it is pinged each period, and lives while its kernel
 * confirms that.
 */
#ifndef SLUICE_SESSION_UNITS_KEEPALIVE_H
#define SLUICE_SESSION_UNITS_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/session/verdict.h"

struct session;

/* The client has asked for a period other than that of the broker; 0: none.
 * False without memory. */
bool keepalive_set_period(struct session *s, uint32_t ping_ms);

/* A sign of life: waits for the next. */
void keepalive_renew(struct session *s);

/* None came for a period. */
struct verdict keepalive_missed(struct session *s);

/* PAUSED, and the client has closed its side: it may be read for long, or have
 * gone. From now on it is pinged even if it did not want that. */
void keepalive_ended(struct session *s);

#endif
