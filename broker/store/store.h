/* SPDX-License-Identifier: MIT
 *
 * store - durable queues in a folder. A thread of its own writes and reads; the
 * loop gives it orders and takes what is done, without waiting.
 *
 *     loop: open, drop, put, ack, trim, read --> [orders] --> thread: engine
 *           reap                             <--  [done]  <--
 *
 * Acknowledgements, which are what frees space, never wait behind puts: the
 * engine has room for all puts that may be in the ring, also while the disk is
 * full. All functions are the loop's.
 */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/store_ops.h"
#include "broker/store/engine.h"

struct store;

/* How it was opened, or why not. */
struct store_report {
    struct engine_report engine;
    uint32_t open_ms; /* it took */
    int other;        /* process that uses the folder; 0: none is known */
    bool is_remote;   /* on a file system where flushes may not hold */
};

/* Opens the store in a folder; it takes a while for a large one. `random` is
 * not looked at, nor `disk`, unless a test has its own. NULL: the report says
 * why, or there is no memory. */
struct store *store_open(const char *folder, const struct engine_setup *setup,
                         struct store_report *report);
/* Starts its thread, after its channels were visited and before anything else
 * is asked; false when there can be none. */
bool store_start(struct store *s);

/* What the core asks of it. */
const struct store_ops *store_ops(void);

/* A file that is readable when there is something to reap: store_heard(), then
 * reap until there is nothing more, which is what makes it readable again. */
int store_file(const struct store *s);
/* See store_file(). */
void store_heard(struct store *s);

/* Writes what it has, as far as there is space, and completes its files; goes
 * on reaping. Nothing may be put any more. */
void store_stop(struct store *s);
/* Whether that has come to its end; store_file() tells. */
bool store_has_stopped(const struct store *s);
/* After that, and after the last reap: puts that are not on disk. Returns how
 * many. */
int store_take_back(struct store *s, struct store_put *puts, int max);
/* After that, or without a thread: frees it. A process that ends without it is
 * killed, as far as the store is concerned. */
void store_close(struct store *s);

/* Changes the bounds. */
void store_set_limits(struct store *s, uint64_t limit_bytes,
                      uint64_t free_bytes);

/* What the thread published last. */
struct store_stats {
    struct engine_stats engine;
    uint64_t flush_p50_us, flush_p99_us; /* rounded up to powers of two */
    uint64_t group_waits; /* batches that waited for publishers to come back */
    uint64_t flushing_us; /* the flush that is being waited for; 0: none is */
};
/* The same. */
struct store_stats store_stats(struct store *s);

#endif
