/* SPDX-License-Identifier: MIT
 *
 * users_setup - the users file while the broker runs: it is read again with the
 * options, and when it changes.
 */
#ifndef SLUICE_BROKER_USERS_SETUP_H
#define SLUICE_BROKER_USERS_SETUP_H

#include <stdbool.h>
#include <stdint.h>

struct clients;
struct log;
struct monitor_setup;
struct options;
struct reactor;
struct reactor_timer;

struct users_setup {
    const struct options *options;
    struct clients *clients;
    struct monitor_setup *watched;
    struct log *log;
    struct reactor_timer *timer;
    uint64_t loaded, seen; /* the file, as stat(2) describes it */
};

/* Takes the users of the options, if there are any. All pointers are borrowed.
 * False without memory. */
bool users_setup_open(struct users_setup *s, const struct options *o,
                      struct clients *clients, struct monitor_setup *watched,
                      struct reactor *reactor, struct log *log);

/* Takes those of options that were read again; needs no memory if there were
 * users before. From the line in the log on, nothing is delivered that the file
 * forbids. */
bool users_setup_use(struct users_setup *s, const struct options *o);

/* Harmless when it was not opened. */
void users_setup_close(struct users_setup *s);

#endif
