/* SPDX-License-Identifier: MIT */
#include "broker/auth/recalled.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SECRET_ROOM = 512 };

bool recalled_init(struct recalled *r)
{
    *r = (struct recalled){.users = 0};
    return getrandom(r->key, sizeof r->key, 0) == (ssize_t)sizeof r->key;
}

void recalled_reset(struct recalled *r, size_t users)
{
    free(r->slots);
    r->slots = NULL;
    r->users = users;
}

void recalled_fini(struct recalled *r)
{
    recalled_reset(r, 0);
    explicit_bzero(r->key, sizeof r->key);
}

/* Each user's digests differ, though two have one password. */
bool recalled_digest(const struct recalled *r, size_t user, const void *secret,
                     size_t length, uint8_t digest[RECALLED_DIGEST_BYTES])
{
    uint8_t text[sizeof user + SECRET_ROOM];
    unsigned made = 0;
    if (length > SECRET_ROOM)
        return false;
    memcpy(text, &user, sizeof user);
    memcpy(text + sizeof user, secret, length);
    const uint8_t *ok = HMAC(EVP_sha256(), r->key, sizeof r->key, text,
                             sizeof user + length, digest, &made);
    explicit_bzero(text, sizeof text);
    return ok && made == RECALLED_DIGEST_BYTES;
}

bool recalled_has(const struct recalled *r, size_t user,
                  const uint8_t digest[RECALLED_DIGEST_BYTES], uint64_t now_ms)
{
    bool is_there = false;
    if (!r->slots || user >= r->users)
        return false;
    const struct recalled_slot *slots = &r->slots[user * RECALLED_SLOTS];
    for (unsigned i = 0; i < RECALLED_SLOTS; i++)
        is_there |=
            slots[i].until_ms > now_ms &&
            CRYPTO_memcmp(slots[i].digest, digest, RECALLED_DIGEST_BYTES) == 0;
    return is_there;
}

void recalled_add(struct recalled *r, size_t user,
                  const uint8_t digest[RECALLED_DIGEST_BYTES], uint64_t now_ms)
{
    if (user >= r->users)
        return;
    if (!r->slots)
        r->slots = calloc(r->users, RECALLED_SLOTS * sizeof *r->slots);
    if (!r->slots)
        return;
    struct recalled_slot *slots = &r->slots[user * RECALLED_SLOTS];
    struct recalled_slot *oldest = &slots[0];
    for (unsigned i = 0; i < RECALLED_SLOTS; i++) {
        if (memcmp(slots[i].digest, digest, RECALLED_DIGEST_BYTES) == 0)
            oldest = &slots[i];
        else if (slots[i].until_ms < oldest->until_ms &&
                 memcmp(oldest->digest, digest, RECALLED_DIGEST_BYTES) != 0)
            oldest = &slots[i];
    }
    oldest->until_ms = now_ms + RECALLED_MS;
    memcpy(oldest->digest, digest, RECALLED_DIGEST_BYTES);
}
