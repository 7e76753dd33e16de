/* SPDX-License-Identifier: MIT
 *
 * listeners - the addresses at which the broker listens, as a set that can be
 * exchanged for another while it runs: what is in both stays open.
 */
#ifndef SLUICE_BROKER_LISTENERS_H
#define SLUICE_BROKER_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/options/options.h"

struct listener;
struct listener_events;
struct log;
struct reactor;
struct sentence;

enum {
    LISTENERS_INHERITED_MAX = 16,
    /* Of two sets at once, and those that were inherited. */
    LISTENERS_MAX = 2 * OPTION_TEXTS_MAX + LISTENERS_INHERITED_MAX,
};

struct listeners_entry {
    char *text;             /* as it was given; owned */
    struct listener *chain; /* a name may have several addresses */
    bool is_inherited;      /* passed by the service manager: stays */
    bool is_wanted, is_new; /* while the set is exchanged */
};

struct listeners {
    struct reactor *reactor;
    const struct listener_events *events;
    void *owner; /* of the events */
    struct log *log;
    struct listeners_entry all[LISTENERS_MAX];
    size_t count;
    bool is_paused;
};

/* All pointers are borrowed. */
void listeners_init(struct listeners *ls, struct reactor *r,
                    const struct listener_events *events, void *owner,
                    struct log *log);

/* Takes `count` listening sockets that the service manager has passed, from
 * descriptor `first` on. False, with one sentence, when they are too many or
 * one of them does not listen. */
bool listeners_inherit(struct listeners *ls, int first, int count,
                       struct sentence *why);

/* Opens what the options name and is not open yet. False, with one sentence
 * and nothing changed, when one of them cannot be opened. Then
 * listeners_commit, or listeners_abort. */
bool listeners_prepare(struct listeners *ls, const struct options *o,
                       struct sentence *why);

/* Closes what the options do not name any more, and logs what has changed. */
void listeners_commit(struct listeners *ls);

/* Closes what was prepared. */
void listeners_abort(struct listeners *ls);

/* Those that are opened while they are paused are paused as well. */
void listeners_pause(struct listeners *ls);
void listeners_resume(struct listeners *ls);

void listeners_close(struct listeners *ls);

#endif
