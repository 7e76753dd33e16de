/* SPDX-License-Identifier: MIT
 *
 * bypass - the two rare cases in which a publisher is read though a gate is
 * closed to it. They have nothing to do with the normal path.
 *
 * The sip. A publisher that is paused may have closed while more was on its
 * way than our receive buffer takes: its end is then behind a window that is
 * shut, and its kernel, which has nobody to ask any more, gives up after some
 * minutes (tcp_orphan_retries, tcp(7)) and resets. Reading a little from time
 * to time makes it start again; when as much was read as a send buffer holds
 * (tcp_wmem, tcp(7)), whoever is still there is alive.
 *
 * The pass. Publishers that have ended keep their descriptors while a queue is
 * full, and if they keep them all, nobody can come to empty it. Then the one
 * that ended first is read past the gates: there is no more of it than what
 * our kernel holds, and its descriptor is free after that.
 */
#ifndef SLUICE_SESSION_BYPASS_H
#define SLUICE_SESSION_BYPASS_H

#include <stdbool.h>

struct clients;
struct session;

enum { BYPASS_SIP_MS = 20 * 1000 };

/* Whether its kernel may be stuck as said above. */
bool bypass_wants_sip(const struct session *s);

/* False when it has had as many sips as make sense. */
bool bypass_goes_on(const struct session *s);

/* Whether gates do not delay it now. */
bool bypass_is_open(const struct session *s);

/* If a descriptor is wanted, gives a pass to the publisher that ended first;
 * NULL when there is none. */
struct session *bypass_give(struct clients *all);

/* It is paused again, for want of memory: another may be luckier. */
void bypass_take(struct session *s);

#endif
