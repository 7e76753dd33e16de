/* SPDX-License-Identifier: MIT
 *
 * journal_setup - connects the store in which durable queues are kept to the
 * core and the loop: neither knows the other.
 */
#ifndef SLUICE_BROKER_JOURNAL_SETUP_H
#define SLUICE_BROKER_JOURNAL_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/journal_watch.h"

struct core;
struct counters;
struct log;
struct options;
struct reactor;
struct reactor_file;
struct sentence;
struct store;

/* All zeros: there is no journal. */
struct journal_setup {
    struct store *store; /* NULL without --journal */
    struct reactor_file *file;
    struct core *core;
    struct log *log;
    struct journal_watch watch;
    bool is_running; /* the store's thread is */
    bool has_failed;
};

/* Opens the store, if the options name a journal, and makes its channels queues
 * again; the core has no others yet. Takes time by what was not acknowledged.
 * False, with one sentence, when that is not possible. */
bool journal_setup_open(struct journal_setup *j, const struct options *o,
                        struct core *core, struct reactor *reactor,
                        struct counters *counters, struct log *log,
                        struct sentence *why);

/* Sets the counters that begin with `journal_`; a function of monitors, `setup`
 * being a struct journal_setup. */
void journal_setup_measure(void *setup);

/* The bounds have changed. */
void journal_setup_configure(struct journal_setup *j, const struct options *o);

/* Nothing is published any more: writes what there is, for `ms` at most, and
 * until there is something to read from the descriptor `enough`, if it is not
 * negative. False when that was not long enough; the store then still has
 * memory of the core. */
bool journal_setup_stop(struct journal_setup *j, uint64_t ms, int enough);

/* After that, and the core was purged; or it was not opened. */
void journal_setup_close(struct journal_setup *j);

/* How many descriptors it may need. */
size_t journal_setup_descriptors(const struct options *o);

#endif
