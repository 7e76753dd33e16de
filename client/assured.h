/* SPDX-License-Identifier: MIT
 *
 * assured - publishes the messages of a source in version 2, and asks for a
 * receipt where the source pauses or ends: it proves that the broker has taken
 * everything before, and has on disk what is for a durable queue. To the user
 * that is what version 1 does, but a refusal has words, and the end of a broker
 * that was killed does not look like the answer to a goodbye, as it does to
 * version 1 on a unix socket. What `sluice send` does there, for a user, and
 * with headers.
 */
#ifndef SLUICE_CLIENT_ASSURED_H
#define SLUICE_CLIENT_ASSURED_H

#include "client/send_plan.h"

/* Sends everything; *status is the exit status. False, and nothing was said,
 * when the broker does not speak version 2 and that is not needed. */
SLUICE_MUST_CHECK bool assured_send(const struct send_plan *plan,
                                    bool is_needed, int *status);

#endif
