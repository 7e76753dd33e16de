/* SPDX-License-Identifier: MIT
 *
 * waits - bounded waits, a list for each kind. All waits of a kind are equally
 * long, so a list is in the order of ending. This file does not know what the
 * waiting objects are.
 */
#ifndef SLUICE_SESSION_WAITS_H
#define SLUICE_SESSION_WAITS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"

/* What a client may wait for, one at a time. */
enum wait_kind {
    WAIT_HELLO,  /* its first frame */
    WAIT_FRAME,  /* the rest of a message */
    WAIT_LEAVE,  /* a client that said goodbye takes what it is owed */
    WAIT_DISK,   /* what a client published before it said goodbye is on disk */
    WAIT_FINISH, /* the client's kernel confirms what was sent */
    WAIT_LINGER, /* a client that was sent the last closes its side */
    WAIT_PING,   /* anything at all, of a client that is pinged */
    WAIT_SIP,    /* the next sip from a publisher that is paused */
    WAIT_MEMORY, /* memory for a large message, in order of arrival */
    WAIT_RATE,   /* what its user may send in a second, and has sent already */
    WAIT_ROOM,   /* room in a channel, having ended; the same */
    WAIT_TOTAL
};

enum { WAITS_FOREVER_MS = UINT32_MAX };

/* Embedded by its owner. */
struct waiting {
    struct list link;
    clock_ms since;
    uint16_t times; /* how often in a row it began this wait */
    uint8_t wait;   /* enum wait_kind, the latest */
};

struct wait_row {
    /* The wait is over. Ends it, begins it again, or begins another. */
    void (*expire)(struct waiting *w);
    /* Called every look_ms while anything waits for this; NULL: never. */
    void (*look)(void *arg);
    uint32_t look_ms;
};

struct waits {
    const struct wait_row *rows;
    void *arg;
    uint32_t limit_ms[WAIT_TOTAL]; /* WAITS_FOREVER_MS: without end */
    struct list lists[WAIT_TOTAL]; /* the longest wait first */
    uint32_t begun;                /* a bit for each kind; clear: none waits */
};

/* `rows` is borrowed, WAIT_TOTAL of them. No wait is bounded at first. */
void waits_init(struct waits *all, const struct wait_row *rows, void *arg);

/* Initially it waits for nothing. */
void waiting_init(struct waiting *w);

/* Ends any other wait. */
void waits_begin(struct waits *all, struct waiting *w, enum wait_kind wait,
                 clock_ms now);

/* Harmless when it does not wait. */
void waits_end(struct waiting *w);

/* The longest wait of a kind; NULL when nothing waits. */
struct waiting *waits_first(const struct waits *all, enum wait_kind wait);

/* No wait ends within the next `ms`, unless it is shorter: the time so far was
 * not the client's. */
void waits_spare(struct waits *all, uint32_t ms, clock_ms now);

enum { WAITS_AT_ONCE = 4 };

/* Calls the functions of waits that are due: of each kind WAITS_AT_ONCE at
 * most, since thousands that began together also end together, and most of
 * these functions close a connection. The others are due at once. */
void waits_fire(struct waits *all, clock_ms now);

/* The time until a wait is due; WAITS_FOREVER_MS when none will be. */
uint32_t waits_next_ms(struct waits *all, clock_ms now);

#endif
