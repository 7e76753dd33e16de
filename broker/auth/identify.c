/* SPDX-License-Identifier: MIT */
#include "broker/auth/identify.h"

#include <openssl/evp.h>
#include <string.h>

#include "users/users.h"

static const struct network *address_of(const struct identify_peer *peer)
{
    return peer->has_address ? &peer->address : NULL;
}

/* A user who may not come from there is nobody there. */
static const struct credential *identify_from(const struct credential *c,
                                              const struct identify_peer *peer)
{
    return c && user_may_come_from(credential_user(c), address_of(peer)) ? c
                                                                         : NULL;
}

const struct credential *identify_connection(const struct users *u,
                                             const struct identify_peer *peer)
{
    const struct credential *c = NULL;
    if (peer->certificate)
        c = users_find_certificate(u, peer->certificate);
    if (!c && peer->has_uid)
        c = users_find_uid(u, peer->uid);
    if (!c && peer->has_address)
        c = users_find_peer(u, &peer->address);
    if (!c)
        c = users_find_anonymous(u);
    return identify_from(c, peer);
}

const struct credential *identify_token(const struct users *u,
                                        const void *token, size_t length)
{
    uint8_t digest[SECRET_DIGEST_BYTES];
    size_t made;
    if (!EVP_Q_digest(NULL, "SHA256", NULL, token, length, digest, &made))
        return NULL;
    return users_find_token(u, digest);
}

bool identify_may_be(const struct users *u, const struct identify_peer *peer,
                     const struct credential *c)
{
    const struct credential *shown =
        peer->certificate ? users_find_certificate(u, peer->certificate) : NULL;
    if (shown && credential_user(shown) != credential_user(c))
        return false;
    return identify_from(c, peer) != NULL;
}

const struct credential *identify_again(const struct users *u,
                                        const struct identify_peer *peer,
                                        const struct credential *shown)
{
    const struct credential *c =
        identify_from(users_find_again(u, shown, address_of(peer)), peer);
    return c && strcmp(credential_user(c)->name,
                       credential_user(shown)->name) == 0
               ? c
               : NULL;
}
