/* SPDX-License-Identifier: MIT
 *
 * doors - the addresses at which the broker listens, as a set that can be
 * exchanged for another while it runs: what is in both stays open.
 */
#ifndef SLUICE_BROKER_DOORS_H
#define SLUICE_BROKER_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/options/options.h"

struct listener;
struct listener_events;
struct log;
struct reactor;

enum {
    DOORS_INHERITED_MAX = 16,
    /* Of two sets at once, and those that were inherited. */
    DOORS_MAX = 2 * OPTION_TEXTS_MAX + DOORS_INHERITED_MAX,
};

struct door {
    char *text;                 /* as it was given; owned */
    struct listener *listeners; /* a name may have several addresses */
    bool is_inherited;          /* passed by the service manager: stays */
    bool is_wanted, is_new;     /* while the set is exchanged */
};

struct doors {
    struct reactor *reactor;
    const struct listener_events *events;
    void *owner; /* of the events */
    struct log *log;
    struct door all[DOORS_MAX];
    size_t count;
    bool is_paused;
};

/* All pointers are borrowed. */
void doors_init(struct doors *d, struct reactor *r,
                const struct listener_events *events, void *owner,
                struct log *log);

/* Takes a listening socket that the service manager has passed. False, with
 * one sentence in `error`, when it is none. */
bool doors_inherit(struct doors *d, int fd, char *error, size_t room);

bool doors_has_inherited(const struct doors *d);

/* Opens what is in `list` and not open yet; `socket_mode` is for the files of
 * unix sockets. False, with one sentence and nothing changed, when one of them
 * cannot be opened. Then doors_commit, or doors_abort. */
bool doors_prepare(struct doors *d, const struct option_value *list,
                   uint64_t socket_mode, char *error, size_t room);

/* Closes what is not wanted any more, and logs what has changed. */
void doors_commit(struct doors *d);

/* Closes what was prepared. */
void doors_abort(struct doors *d);

void doors_pause(struct doors *d);
void doors_resume(struct doors *d);
void doors_close(struct doors *d);

#endif
