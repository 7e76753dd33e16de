/* SPDX-License-Identifier: MIT
 *
 * poller - asks a broker's --http for its documents again and again, and hands
 * them out as a receiver does those of a feed: statistics, channels and
 * clients, once per second. Events and taps are at the feed alone.
 */
#ifndef SLUICE_CLIENT_MONITOR_POLLER_H
#define SLUICE_CLIENT_MONITOR_POLLER_H

#include "client/monitor/receiver.h"

#include <stdbool.h>
#include <stdint.h>

struct poller;
struct sluice_failure;
struct target;

enum {
    POLLER_PERIOD_MS = 1000,
    POLLER_REST_MS = 30000,   /* after a failure that would be final */
    POLLER_ANSWER_MS = 10000, /* how long an answer may take */
    /* Of an answer: three documents, none above 128 KiB. */
    POLLER_ANSWER_MAX = 512 << 10,
};

/* `url` and `t` are as for http_client_init; nothing is sent yet. NULL, with a
 * sentence in *why, when they cannot be used. */
struct poller *poller_open(const char *url, const struct target *t,
                           struct sluice_failure *why);
void poller_close(struct poller *p); /* may be NULL */

/* Goes on after failures that are final, too, though seldom: somebody may mend
 * what they complain of. */
void poller_never_end(struct poller *p);

/* The next document, as two parts, its topic and its text, valid until the next
 * call. Asks, or goes on asking, when it is time. False when there is none
 * now. */
bool poller_receive(struct poller *p, struct receiver_message *message);

/* What to wait for when there is none. */
int poller_fd(const struct poller *p);         /* -1: for the time alone */
short poller_events(const struct poller *p);   /* of poll(2) */
int64_t poller_due_ms(const struct poller *p); /* as in lib/deadline.h */

/* Why the last attempt has failed; NULL when it did not. Unless it is final,
 * which ends all, it is tried again. */
const struct sluice_failure *poller_failure(const struct poller *p);
bool poller_is_over(const struct poller *p);

#endif
