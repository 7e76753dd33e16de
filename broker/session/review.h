/* SPDX-License-Identifier: MIT
 *
 * review - clients that were let in may have to go. By another users file each
 * session is moved to it, and judged by it; by other authorities, another list
 * of revocations, or when certificates are demanded, by the certificate that
 * its client showed. One round past all sessions serves both, a few in each
 * turn, so that those that may stay notice nothing. Clients that connect are
 * judged by what holds now from the beginning.
 *
 * Until its turn has come a session goes on by the users file of before; when
 * the last one was judged, nothing is delivered any more that the new file
 * forbids, and it holds.
 */
#ifndef SLUICE_SESSION_REVIEW_H
#define SLUICE_SESSION_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/session/round.h"
#include "users/users.h"

struct clients;

struct review_result {
    size_t users;
    struct users_change change;
    uint64_t closed; /* sessions */
};

struct review {
    struct round round;
    bool by_users, by_trust; /* what this round judges by */
    uint64_t trust; /* tls_trust() by which all are judged, or in this round */
    struct users *waiting; /* owned: comes after this one; NULL: none does */
    struct review_result result;
    /* Set by the owner: the file holds. May be called by review_begin. */
    void (*on_done)(void *arg, const struct review_result *result);
    void *arg;
};

/* Takes an owner of `users`. A file that is under way is completed first; of
 * several that come meanwhile, the latest counts. False without memory, which
 * is only needed the first time. */
bool review_begin(struct clients *all, struct users *users);

/* At the end of a turn: begins a round when tls_trust() has changed, and goes
 * on for a millisecond. True: there is more to do. */
bool review_step(struct clients *all);

/* Goes on to the end. */
void review_finish(struct clients *all);

/* For the end: sessions are gone. */
void review_fini(struct clients *all);

#endif
