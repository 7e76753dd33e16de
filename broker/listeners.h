/* SPDX-License-Identifier: MIT
 *
 * listeners - the addresses at which the broker listens. The set can be
 * replaced while the broker runs: addresses in both sets stay open. Connections
 * are accepted up to a limit: accepting pauses there, and resumes when a
 * connection has closed. While no connection can be accepted, because of the
 * limit or for lack of a descriptor, sessions are asked to free one.
 */
#ifndef SLUICE_BROKER_LISTENERS_H
#define SLUICE_BROKER_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/options/door.h"
#include "broker/options/options.h"

struct counters;
struct listener;
struct log;
struct reactor;
struct sentence;
struct clients;

enum {
    LISTENERS_INHERITED_MAX = 16,
    /* Two sets at once, and the inherited sockets. */
    LISTENERS_MAX = 2 * OPTION_TEXTS_MAX + LISTENERS_INHERITED_MAX,
};

struct listeners_entry {
    struct listeners *set;
    char *address;          /* as it was given, without its words; owned */
    struct listener *chain; /* a name may have several addresses */
    struct door door;       /* what is demanded there */
    struct door fresh;      /* and will be, while the set is replaced */
    bool is_inherited;      /* passed by the service manager: stays */
    bool is_wanted, is_new; /* while the set is replaced */
};

struct listeners {
    struct reactor *reactor;
    struct clients *clients;
    struct counters *counters;
    struct log *log;
    struct listeners_entry *all[LISTENERS_MAX]; /* owned */
    size_t count;
    uint32_t max_connections; /* with the reserve; 0 until it is set */
    bool is_paused;
    bool is_failing; /* nothing was accepted since accepting failed */
};

/* All pointers are borrowed. Nothing listens yet. */
void listeners_init(struct listeners *ls, struct reactor *r,
                    struct clients *clients, struct counters *counters,
                    struct log *log);

/* Takes `count` listening sockets that the service manager has passed, from
 * descriptor `first` on. False, with one sentence, when there are too many or
 * one of them does not listen. */
bool listeners_inherit(struct listeners *ls, int first, int count,
                       struct sentence *why);

/* Opens the addresses in the options that are not open yet. False, with one
 * sentence and nothing changed, when one of them cannot be opened, or it is not
 * decided what an inherited one demands. Follow with listeners_commit or
 * listeners_abort. */
bool listeners_prepare(struct listeners *ls, const struct options *o,
                       struct sentence *why);

/* Closes the addresses that the options no longer name, and logs the changes.
 * What is demanded there holds for clients that connect from now on. */
void listeners_commit(struct listeners *ls);

/* Closes the addresses that listeners_prepare opened. */
void listeners_abort(struct listeners *ls);

/* Sets how many connections may be open, `bound` of them no guests: pauses or
 * resumes. Open connections stay open. */
void listeners_set_limit(struct listeners *ls, uint32_t bound,
                         uint32_t max_connections);

/* The first address that is a unix socket, or the first that is not; NULL when
 * there is none. Valid until the set changes. */
const char *listeners_first(const struct listeners *ls, bool is_unix);

/* A connection has closed: resumes if accepting was paused. For sessions. */
void listeners_on_closed(void *listeners);

/* Closes them all, for good. */
void listeners_close(struct listeners *ls);

#endif
