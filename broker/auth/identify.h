/* SPDX-License-Identifier: MIT
 *
 * identify - who a client is, by what its connection shows or by a token that
 * it sent.
 */
#ifndef SLUICE_AUTH_IDENTIFY_H
#define SLUICE_AUTH_IDENTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "users/network.h"

struct credential;
struct users;

/* What is known of a connection. */
struct identify_peer {
    bool has_uid; /* a unix socket: of the process at its other end */
    bool has_address;
    uint32_t uid;
    struct network address;
    const char *certificate; /* the name in it; NULL when none was shown */
};

/* By certificate, uid or network, else "anonymous", if there is that user.
 * NULL: nobody, or one that may not come from there. */
const struct credential *identify_connection(const struct users *u,
                                             const struct identify_peer *peer);

/* By a token. NULL when it is nobody's. */
const struct credential *identify_token(const struct users *u,
                                        const void *token, size_t length);

/* Whether a client that has shown `c` may be that user: comes from where the
 * user may come from, and has no certificate of another one. NULL is nobody. */
bool identify_may_be(const struct users *u, const struct identify_peer *peer,
                     const struct credential *c);

/* The same client in another generation of users: NULL when it is nobody there,
 * or somebody else. */
const struct credential *identify_again(const struct users *u,
                                        const struct identify_peer *peer,
                                        const struct credential *shown);

#endif
