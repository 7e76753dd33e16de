/* SPDX-License-Identifier: MIT
 *
 * wheel - alarms of any length up to a day, many of them, most of which are
 * cancelled before they ring. Setting and cancelling one takes the same time
 * however many there are, and allocates nothing.
 *
 * Time goes in ticks of 8 ms. There are four rings of 64 slots: a slot of the
 * first is one tick, one of the next is a whole turn of the ring before it. An
 * alarm is put in the ring that its distance requires, and moves to a finer one
 * when the time of its slot begins, so that in the end it rings in its tick:
 * never early, and at most 7 ms late.
 *
 *     ring 0    8 ms .. 0.5 s        ring 2    33 s .. 35 min
 *     ring 1   0.5 s .. 33 s         ring 3    35 min .. 37 h
 */
#ifndef SLUICE_BASE_WHEEL_H
#define SLUICE_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"

enum {
    WHEEL_RINGS = 4,
    WHEEL_SLOTS = 64, /* as many as a word has bits */
    WHEEL_TICK_MS = 8,
    WHEEL_LONGEST_MS = 24 * 60 * 60 * 1000,
};

/* Embedded in the object that it belongs to. */
struct alarm {
    struct list link; /* in no list while it is not set */
    clock_ms due;
};

struct wheel {
    clock_ms time;                  /* when `tick` began */
    uint32_t tick;                  /* counted; it wraps */
    uint64_t occupied[WHEEL_RINGS]; /* a bit for each slot with an alarm */
    struct list slots[WHEEL_RINGS][WHEEL_SLOTS];
    struct list begun; /* alarms out of slots whose time has begun */
};

/* No alarm is set; `now` is when the wheel starts. */
void wheel_init(struct wheel *w, clock_ms now);

static inline void alarm_init(struct alarm *a)
{
    list_init(&a->link);
}

static inline bool alarm_is_set(const struct alarm *a)
{
    return !list_is_empty(&a->link);
}

/* Sets the alarm, again if it was, to ring `after_ms` from `now`, at most
 * WHEEL_LONGEST_MS. */
void wheel_set(struct wheel *w, struct alarm *a, clock_ms now,
               uint32_t after_ms);

/* Harmless when the alarm is not set. */
void wheel_cancel(struct wheel *w, struct alarm *a);

/* Takes out the next alarm that is due. NULL when there is none, or when the
 * call has moved as many alarms as a turn may: wheel_wait_ms() is 0 then. `now`
 * never goes back. */
struct alarm *wheel_pop(struct wheel *w, clock_ms now);

/* Milliseconds for which wheel_pop() has nothing to do; UINT32_MAX when no
 * alarm is set. */
uint32_t wheel_wait_ms(const struct wheel *w, clock_ms now);

#endif
