/* SPDX-License-Identifier: MIT
 *
 * guard - who may read documents: users whose lines say `monitor = yes`. Who
 * somebody is, its certificate, uid or network say, or what it shows with its
 * request: a password, which is compared on another thread, or a token.
 *
 *     CLEAR      nothing is under way
 *     QUEUED     its source has failed too often, or too many passwords are
 *                compared: it waits for its turn
 *     COMPARED   its password is compared
 */
#ifndef SLUICE_HTTP_GUARD_H
#define SLUICE_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/auth/recalled.h"
#include "broker/base/list.h"
#include "broker/net/peer.h"
#include "common/http_login.h"
#include "common/http_status.h"
#include "users/network.h"

struct counters;
struct credential;
struct guard;
struct log;
struct reactor;
struct stream;
struct tries;
struct users;

enum {
    GUARD_PENDING_MAX = 24,       /* that are QUEUED or COMPARED */
    GUARD_PENDING_SOURCE_MAX = 8, /* of them, of one source */
    GUARD_QUEUED_MAX_MS = 2000,   /* who would have to wait longer is refused */
};

enum guard_state { GUARD_CLEAR, GUARD_QUEUED, GUARD_COMPARED };

/* One client and its request: embedded in its connection. */
struct guard_case {
    enum guard_state state;
    const struct stream *stream; /* borrowed, as the peer */
    const struct peer *peer;
    bool has_uid;
    bool is_exposed; /* what it shows can be read on the way */
    uint32_t uid;
    struct network source; /* as tries_source() makes it */
    uint64_t id;           /* COMPARED */
    uint64_t due_ms;       /* QUEUED */
    struct list link;      /* unless CLEAR */
    struct users *users;   /* by whom it was judged last; owned; or NULL */
    const struct credential *shown; /* of these; NULL: nobody */
    uint64_t hash;                  /* COMPARED with it, see tries_hash() */
    uint8_t digest[RECALLED_DIGEST_BYTES];
    struct http_login login;
};

struct guard_config {
    struct reactor *reactor;
    struct counters *counters;
    struct log *log;
    struct tries *tries;
    /* A case that was undecided is decided. */
    void (*decided)(struct guard_case *c, struct http_verdict verdict);
};

/* All pointers are borrowed; takes an owner of `users`. NULL, without having
 * taken it, when there is no memory or the system refuses. */
struct guard *guard_new(const struct guard_config *config, struct users *users);

/* There must be no cases any more. NULL is allowed. */
void guard_free(struct guard *g);

/* Takes an owner of other users, by whom cases are judged from now on. */
void guard_set_users(struct guard *g, struct users *users);

/* Begins a case. `fd` is the socket of the stream. */
void guard_begin(struct guard_case *c, const struct stream *stream, int fd,
                 const struct peer *peer);

/* Judges a request with this header, NULL if there is none. UNDECIDED when it
 * takes time: config.decided is called later, unless guard_forget() was. */
struct http_verdict guard_judge(struct guard *g, struct guard_case *c,
                                const char *authorization);

/* Whether a client that was admitted still is, by the users of now. */
bool guard_holds(const struct guard *g, struct guard_case *c);

/* The connection ends. Harmless when it has not begun. */
void guard_forget(struct guard *g, struct guard_case *c);

#endif
