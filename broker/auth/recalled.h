/* SPDX-License-Identifier: MIT
 *
 * recalled - passwords that were right a short while ago, so that clients which
 * all reconnect at once do not each cost a hash. What is kept is a digest under
 * a key of this run, of which nobody can make a password; four for each user,
 * for ten minutes, and none of an older users file.
 */
#ifndef SLUICE_AUTH_RECALLED_H
#define SLUICE_AUTH_RECALLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECALLED_SLOTS = 4, /* of each user */
    RECALLED_MS = 10 * 60 * 1000,
    RECALLED_KEY_BYTES = 32,
    RECALLED_DIGEST_BYTES = 32,
};

struct recalled_slot {
    uint64_t until_ms; /* 0: empty */
    uint8_t digest[RECALLED_DIGEST_BYTES];
};

struct recalled {
    uint8_t key[RECALLED_KEY_BYTES];
    size_t users;                /* that there are slots for */
    struct recalled_slot *slots; /* RECALLED_SLOTS of each; NULL: none yet */
};

/* False when there are no random bytes. */
bool recalled_init(struct recalled *r);

void recalled_fini(struct recalled *r);

/* Forgets all, for a users file with so many users. */
void recalled_reset(struct recalled *r, size_t users);

/* The digest of what user number `user` has shown. False when it cannot be
 * computed; then nothing is known of it. */
bool recalled_digest(const struct recalled *r, size_t user, const void *secret,
                     size_t length, uint8_t digest[RECALLED_DIGEST_BYTES]);

/* Whether it was right in the last ten minutes. */
bool recalled_has(const struct recalled *r, size_t user,
                  const uint8_t digest[RECALLED_DIGEST_BYTES], uint64_t now_ms);

/* It was right just now: takes the place of the oldest. Without memory it is
 * not remembered. */
void recalled_add(struct recalled *r, size_t user,
                  const uint8_t digest[RECALLED_DIGEST_BYTES], uint64_t now_ms);

#endif
