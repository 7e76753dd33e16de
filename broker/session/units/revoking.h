/* SPDX-License-Identifier: MIT
 *
 * revoking - a client of version 2 loses subscriptions that its user may not
 * have any more. Each ends at once, with all that was not written of it, and
 * the client is told which; what it held of a queue goes back. The connection
 * goes on, unless the client is nobody any more, or a subscription is just
 * beginning or ending: then it is told so, and that is the last it gets. In the
 * middle of a message that it may not have it is reset, since nothing can be
 * said there.
 */
#ifndef SLUICE_SESSION_UNITS_REVOKING_H
#define SLUICE_SESSION_UNITS_REVOKING_H

#include <stdbool.h>

#include "broker/session/verdict.h"

struct session;

/* For session_kind. */
struct verdict revoking_judge(struct session *s, bool is_known);

#endif
