/* SPDX-License-Identifier: MIT
 *
 * notice - what the log says of a session: which one, its channel, what
 * happened and why.
 */
#ifndef SLUICE_SESSION_NOTICE_H
#define SLUICE_SESSION_NOTICE_H

#include "broker/base/log_field.h"
#include "broker/session/verdict.h"

struct channel;
struct clients;
struct session;

/* Its hello is complete. */
void notice_connected(const struct session *s);

/* It ends for the reason of `why`. */
void notice_closed(const struct session *s, struct verdict why,
                   enum log_level level);

/* It is not read until the channel has room; and is again. */
void notice_paused(const struct session *s);
void notice_resumed(const struct session *s);

/* As a subscriber it is too slow; and has caught up. */
void notice_slow(const struct session *s);
void notice_recovered(const struct session *s);

/* Memory is short, and the channel holds much of it. */
void notice_pressed(const struct clients *all, const struct channel *ch);

#endif
