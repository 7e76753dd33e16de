/* SPDX-License-Identifier: MIT
 *
 * bypass - the two rare cases in which a publisher is read though a gate is
 * closed to it. The normal path does not depend on them.
 *
 * The sip. A paused publisher may have closed its socket with more bytes on
 * their way than our receive buffer takes. The end of file is then stuck behind
 * a closed window, and the publisher's kernel, left with an orphaned socket,
 * gives up after some minutes (tcp_orphan_retries, tcp(7)) and resets. Reading
 * a little from time to time makes that kernel send again. Once as much was
 * read as a send buffer holds (tcp_wmem, tcp(7)), a publisher that is still
 * there is alive.
 *
 * The pass. Publishers that have ended keep their descriptors while a queue is
 * full; if they keep all descriptors, no consumer can connect to empty the
 * queue. Then the publisher that ended first is read past the gates: our kernel
 * holds all that is left of its input, and its descriptor is free after that.
 */
#ifndef SLUICE_SESSION_BYPASS_H
#define SLUICE_SESSION_BYPASS_H

#include <stdbool.h>

struct clients;
struct session;

enum { BYPASS_SIP_MS = 20 * 1000 };

/* Whether the publisher's kernel may be stuck, as described above. */
bool bypass_wants_sip(const struct session *s);

/* False when the publisher has had as many sips as make sense. */
bool bypass_goes_on(const struct session *s);

/* Whether the session has a pass that lets it through gates now. */
bool bypass_is_open(const struct session *s);

/* If a descriptor is wanted, gives a pass to the publisher that ended first;
 * NULL when there is none. */
struct session *bypass_give(struct clients *all);

/* Takes the pass away from a session that is paused again: another publisher
 * may be able to use it. */
void bypass_take(struct session *s);

#endif
