/* SPDX-License-Identifier: MIT
 *
 * users_parts - the inside of struct users, for those that make one.
 */
#ifndef SLUICE_USERS_USERS_PARTS_H
#define SLUICE_USERS_USERS_PARTS_H

#include "users/users.h"

enum credential_kind {
    CREDENTIAL_TOKEN,
    CREDENTIAL_KEY,
    CREDENTIAL_CURVE, /* as text */
    CREDENTIAL_CERTIFICATE,
    CREDENTIAL_UID,
    CREDENTIAL_NETWORK,
    CREDENTIAL_PASSWORD, /* a user's name and hash, each with its NUL */
    CREDENTIAL_NOTHING,  /* the user "anonymous" */
};

/* What one user alone shows. */
struct credential {
    enum credential_kind kind;
    unsigned line;
    const struct user *user;
    const void *octets; /* what is compared; NULL for a network */
    size_t length;
    struct network network; /* of that kind only */
};

/* Memory that is freed with its users. */
struct users_memory {
    struct users_memory *next;
    size_t bytes; /* behind this */
};

struct users {
    unsigned owners;
    struct users_memory *memory;
    const char *decoy; /* the first hash of a password; NULL: there is none */
    size_t count, credential_count;
    struct user **all;              /* owned, sorted by name */
    struct credential *credentials; /* owned, sorted by credential_compare() */
};

/* Zeroed memory that lives as long as the users; NULL when there is none. */
void *users_allocate(struct users *u, size_t bytes);

/* A copy of a text in such memory. */
char *users_copy(struct users *u, const char *text);

enum { CREDENTIAL_PASSWORD_MAX = USER_NAME_BYTES + SECRET_HASH_MAX + 1 };

/* The octets of a password. Returns how many they are. */
size_t credential_of_password(const char *name, const char *hash,
                              uint8_t out[CREDENTIAL_PASSWORD_MAX]);

/* An order in which what is equal, or overlaps, is side by side. */
int credential_compare(const void *a, const void *b);

#endif
