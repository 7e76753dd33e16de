/* SPDX-License-Identifier: MIT
 *
 * password - passwords as people give them, and secrets as the users file keeps
 * them. A password is never an argument: everybody on the machine could read
 * it.
 */
#ifndef SLUICE_CLIENT_PASSWORD_H
#define SLUICE_CLIENT_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "users/secret.h"

struct sentence;

enum {
    PASSWORD_BYTES = 512,      /* with the final NUL */
    PASSWORD_TOKEN_BYTES = 47, /* "sl_", 43 characters and the NUL */
    PASSWORD_COST_MAX = 11,    /* of yescrypt */
};

struct password {
    char text[PASSWORD_BYTES];
};

/* From a terminal asks twice, without echo; else reads a line of standard
 * input. False, with the reason. To be wiped by the caller. */
bool password_ask(struct password *p, const char *user, struct sentence *why);

/* The same for one that exists: asks once. */
bool password_ask_once(struct password *p, const char *user,
                       struct sentence *why);

/* The hash by yescrypt, in a line for the users file; `cost` 0 is the
 * library's default. False, with the reason. */
bool password_hash(const struct password *p, unsigned cost,
                   char hash[SECRET_HASH_MAX + 1], struct sentence *why);

/* A new token of 256 random bits, and what the users file keeps of it. False,
 * with the reason. */
bool password_make_token(char token[PASSWORD_TOKEN_BYTES],
                         char digest[SECRET_TOKEN_TEXT_BYTES],
                         struct sentence *why);

/* Leaves nothing of it in memory. */
void password_wipe(struct password *p);

#endif
