/* SPDX-License-Identifier: MIT
 *
 * holdings - what the connections of each user hold of the broker's memory:
 * output that they have not taken, publishes that are parked, and the
 * beginnings of messages. A user with a limit is an owner of memory as a
 * channel is. Beyond the limit
 *
 *     topics     the connections with the most output are pressed, as a topic
 *                is when memory is short: publishers wait for those that read,
 *                and those that do not lose what waits for them
 *     queues     hand out no more in advance than they always do
 *     publishes  long messages are read one after another, and publishes for
 *                which there is no room are parked sooner
 *
 * Only connections that hold something, of users with a limit, have a row here.
 */
#ifndef SLUICE_SESSION_HOLDINGS_H
#define SLUICE_SESSION_HOLDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"

struct clients;
struct session;
struct user;

struct holdings {
    struct clients *all;
    struct idmap by_session; /* struct holding */
    struct idmap by_user;    /* struct holder, by the address of the user; */
    struct list holders;     /* all of these, */
    struct list over;        /* and those beyond their limit; */
    bool has_grown;          /* one of those, since they were pressed */
};

/* Nobody holds anything yet. */
void holdings_init(struct holdings *h, struct clients *all);

/* Forgets all. */
void holdings_clear(struct holdings *h);

/* What a session of the user holds may have changed. Without memory to note it
 * is not counted. */
void holdings_weigh(struct holdings *h, struct session *s,
                    const struct user *user);

/* The session ends, or is somebody else's. Harmless when it holds nothing. */
void holdings_forget(struct holdings *h, const struct session *s);

/* How much the connections of the user hold. */
uint64_t holdings_of(const struct holdings *h, const struct user *user);

/* Whether they hold more than they may. */
bool holdings_are_over(const struct holdings *h, const struct user *user);

/* Whether the session, which has begun a long message, has to wait until its
 * user holds less. One session of each user need not: it is given the turn, and
 * keeps it until its message is complete. */
bool holdings_must_wait(struct holdings *h, const struct session *s,
                        const struct user *user);

/* Presses the connections with the most output of users beyond their limits. */
void holdings_press(struct holdings *h);

#endif
