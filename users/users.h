/* SPDX-License-Identifier: MIT
 *
 * users - everybody whom a users file names, what they show to be let in, and
 * what they may. It is made whole by users_file.c and never changes after that:
 * a file that is read again makes another one, and this one lives as long as
 * somebody is judged by it.
 */
#ifndef SLUICE_USERS_USERS_H
#define SLUICE_USERS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "users/network.h"
#include "users/rights.h"
#include "users/secret.h"

enum { USER_NAME_BYTES = 65 }; /* with the final NUL */

/* Who shows nothing, if there is such a user. */
#define USER_ANONYMOUS "anonymous"

/* 0: no limit. */
struct user_limits {
    uint64_t connections;
    uint64_t messages_per_s;
    uint64_t bytes_per_s;
    uint64_t memory_bytes;
};

struct user {
    const char *name;
    unsigned line;          /* of its section */
    uint64_t stamp;         /* of what that says, and its role: another one when
                               it says something else */
    const char *password;   /* its hash; NULL when there is none */
    unsigned password_line; /* 0 when there is none */
    size_t key_count;
    const uint8_t (*keys)[SECRET_KEY_BYTES]; /* public; NULL when none */
    struct rights rights;                    /* its role's as well */
    struct user_limits limits;
    size_t from_count;
    const struct network *from; /* where it may come from; NULL: anywhere */
};

struct users;

/* Another owner. Not thread-safe, like users_unref(). */
struct users *users_ref(struct users *u);

/* NULL is allowed. */
void users_unref(struct users *u);

/* All of them, by name. */
size_t users_count(const struct users *u);
const struct user *users_get(const struct users *u, size_t i);

/* Borrowed; NULL when there is none. */
const struct user *users_find(const struct users *u, const char *name);

/* Its place among all, below users_count(): for tables beside them. */
size_t users_place(const struct users *u, const struct user *user);

/* What became of the users of another file. */
struct users_change {
    size_t added, removed, changed;
};

/* `before` NULL: there was none. */
struct users_change users_compare(const struct users *before,
                                  const struct users *after);

/* What a client shows, as a file has it: one user's alone. */
struct credential;

/* NULL for NULL. */
const struct user *credential_user(const struct credential *c);

/* A word for what was shown, as the log and documents have it: "token",
 * "password", "ed25519", "curve", "certificate", "uid", "network", "anonymous".
 * NULL for NULL. */
const char *credential_way(const struct credential *c);

/* What is found is borrowed, and NULL when it is nobody's. */
const struct credential *
users_find_token(const struct users *u,
                 const uint8_t digest[SECRET_DIGEST_BYTES]);
const struct credential *users_find_certificate(const struct users *u,
                                                const char *name);
const struct credential *users_find_uid(const struct users *u, uid_t uid);
const struct credential *users_find_peer(const struct users *u,
                                         const struct network *peer);
/* NULL as well when the user has no password. */
const struct credential *users_find_password(const struct users *u,
                                             const struct user *user);
/* A hash to compare the passwords of nobody with, so that names of users cannot
 * be told by the time that it takes. NULL when no user has a password. */
const char *users_decoy(const struct users *u);
const struct credential *users_find_key(const struct users *u,
                                        const uint8_t key[SECRET_KEY_BYTES]);
/* By a key for the feed, SECRET_CURVE_BYTES of text. */
const struct credential *users_find_curve(const struct users *u,
                                          const char *key);
const struct credential *users_find_anonymous(const struct users *u);

/* What was shown, in another generation. `peer` is that of the client, NULL for
 * a unix socket. */
const struct credential *users_find_again(const struct users *u,
                                          const struct credential *shown,
                                          const struct network *peer);

/* Whether a user may come from a peer; `peer` is NULL for a unix socket, which
 * is allowed. */
bool user_may_come_from(const struct user *user, const struct network *peer);

#endif
