/* SPDX-License-Identifier: MIT
 *
 * bell - wakes a thread that sleeps, or a loop that watches its file, from
 * another thread. It is rung only while the sleeper has said that it sleeps, so
 * a busy one costs no call of the system.
 *
 *     sleeper: bell_arm(), look again for work, wait     ringer: bell_ring()
 */
#ifndef SLUICE_BASE_BELL_H
#define SLUICE_BASE_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BELL_ENDLESS UINT64_MAX

struct bell {
    int file; /* readable while it rings */
    atomic_bool is_armed;
};

/* Whether it succeeded; if so bell_close() is needed. */
bool bell_open(struct bell *b);
/* Nobody sleeps on it or rings it any more. */
void bell_close(struct bell *b);

/* Any thread: what was written to memory before is seen by the sleeper. */
void bell_ring(struct bell *b);

/* The sleeper says that it is about to sleep; it must look for work once more
 * before it does. */
void bell_arm(struct bell *b);
/* Sleeps until it rings, or for so many microseconds; BELL_ENDLESS: without
 * end. The bell is armed. */
void bell_wait(struct bell *b, uint64_t timeout_us);
/* It has been heard, or there is work after all. */
void bell_quiet(struct bell *b);

#endif
