/* SPDX-License-Identifier: MIT
 *
 * journal_watch - what counters and log say of the store while it works. Its
 * thread may be waiting for the disk, so its state is looked at from here.
 */
#ifndef SLUICE_BROKER_JOURNAL_WATCH_H
#define SLUICE_BROKER_JOURNAL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct counters;
struct keeper;
struct log;
struct reactor;
struct reactor_timer;
struct store;

/* All zeros: there is no store. */
struct journal_watch {
    struct store *store; /* NULL: there is none */
    const struct keeper *keeper;
    struct counters *counters;
    struct log *log;
    uint64_t limit_bytes;        /* of its files */
    struct reactor_timer *timer; /* NULL until it is started */
    uint64_t refused_channels;   /* that were logged, */
    uint64_t refused_messages;   /* the same */
    bool is_slow;                /* the flush that is being waited for */
};

/* Watches the store of `w`, all of whose fields up to `limit_bytes` are set.
 * False without memory. */
bool journal_watch_start(struct journal_watch *w, struct reactor *reactor);
void journal_watch_stop(struct journal_watch *w);

/* A turn has ended: something may have to be logged, now or when a flush that
 * it has caused takes too long. */
void journal_watch_turn(struct journal_watch *w);

/* Sets the counters that begin with `journal_`. */
void journal_watch_measure(const struct journal_watch *w);

#endif
