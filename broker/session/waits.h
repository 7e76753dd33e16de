/* SPDX-License-Identifier: MIT
 *
 * waits - bounded waits, a list for each kind. All waits of a kind are equally
 * long, so a list is in the order of ending. It does not know who waits.
 */
#ifndef SLUICE_SESSION_WAITS_H
#define SLUICE_SESSION_WAITS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"

/* What a client may wait for, in one of these at a time. */
enum wait_kind {
    WAIT_HELLO,  /* its first frame */
    WAIT_FRAME,  /* the rest of a frame */
    WAIT_LEAVE,  /* that it takes what it is owed, having said goodbye */
    WAIT_FINISH, /* that its kernel confirms what it was sent */
    WAIT_SIP,    /* the next sip from a publisher that is paused */
    WAIT_MEMORY, /* memory for a large message; in the order of coming */
    WAIT_ROOM,   /* room in a channel, having ended; the same */
    WAIT_TOTAL
};

enum { WAITS_FOREVER_MS = UINT32_MAX };

/* Embedded by its owner. */
struct waiting {
    struct list link;
    clock_ms since;
    uint16_t times; /* in a row that it has begun to wait for this */
    uint8_t wait;   /* enum wait_kind, the last one */
};

struct wait_row {
    /* The wait is over. Ends it, begins it again, or begins another. */
    void (*expire)(struct waiting *w);
    /* Called every look_ms while somebody waits for this; NULL: never. */
    void (*look)(void *arg);
    uint32_t look_ms;
};

struct waits {
    const struct wait_row *rows;
    void *arg;
    uint32_t limit_ms[WAIT_TOTAL]; /* WAITS_FOREVER_MS: without end */
    struct list lists[WAIT_TOTAL]; /* the longest wait first */
};

/* `rows` is borrowed, WAIT_TOTAL of them. Waits are without end at first. */
void waits_init(struct waits *all, const struct wait_row *rows, void *arg);

/* It waits for nothing. */
void waiting_init(struct waiting *w);

/* Leaves any other wait. */
void waits_begin(struct waits *all, struct waiting *w, enum wait_kind wait,
                 clock_ms now);

/* Harmless when it does not wait. */
void waits_end(struct waiting *w);

/* The longest of a kind, NULL when nobody waits. */
struct waiting *waits_first(const struct waits *all, enum wait_kind wait);

/* Calls for all that is due. */
void waits_fire(struct waits *all, clock_ms now);

/* How long until something is due; WAITS_FOREVER_MS when nothing will be. */
uint32_t waits_next_ms(const struct waits *all, clock_ms now);

#endif
