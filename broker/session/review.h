/* SPDX-License-Identifier: MIT
 *
 * review - another users file: each session is moved to it, and judged by it, a
 * few in each turn, so that those that may go on notice nothing. Clients that
 * connect are judged by it from the beginning. Until its turn has come a
 * session goes on by the file of before; when the last one was judged, nothing
 * is delivered any more that the new file forbids, and it holds.
 */
#ifndef SLUICE_SESSION_REVIEW_H
#define SLUICE_SESSION_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "users/users.h"

struct clients;
struct list;

struct review_result {
    size_t users;
    struct users_change change;
    uint64_t closed; /* sessions */
};

struct review {
    struct list *next;     /* session in the list of all, or its head; NULL:
                              there is nothing to do */
    uint64_t last;         /* the newest session when it began */
    struct users *waiting; /* owned: comes after this one; NULL: none does */
    struct review_result result;
    /* Set by the owner: the file holds. May be called by review_begin. */
    void (*on_done)(void *arg, const struct review_result *result);
    void *arg;
};

/* Takes an owner of `users`. One that is under way is completed first; of
 * several that come meanwhile, the latest counts. False without memory, which
 * is only needed the first time. */
bool review_begin(struct clients *all, struct users *users);

/* At the end of a turn: goes on for a millisecond. True: there is more to do.
 */
bool review_step(struct clients *all);

/* Goes on to the end. */
void review_finish(struct clients *all);

/* For the end: sessions are gone. */
void review_fini(struct clients *all);

#endif
