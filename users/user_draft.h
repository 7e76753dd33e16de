/* SPDX-License-Identifier: MIT
 *
 * user_draft - a section of the users file while it is read: a user, or a role,
 * which is what users have in common. It knows the keys and what they mean; how
 * sections belong together is the business of users_file.c.
 */
#ifndef SLUICE_USERS_USER_DRAFT_H
#define SLUICE_USERS_USER_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "users/users_parts.h"

struct mistakes;

enum {
    USER_KEYS_MAX = 16,     /* public keys of one user */
    USER_NETWORKS_MAX = 64, /* that one user may come from */
    DRAFT_KEYS_MAX = 20,    /* rows of the table */
};

struct user_draft {
    struct users *users;       /* whose memory and credentials it adds to */
    struct mistakes *mistakes; /* know path and line */
    bool is_role, lacks_memory;
    struct user *user;
    const char *role; /* NULL when it has none */
    unsigned role_line;
    unsigned lines[DRAFT_KEYS_MAX]; /* where each key was set, or 0 */
    size_t publish_count, subscribe_count, key_count, from_count;
    const struct rights_line *publish[RIGHTS_LINES_MAX];
    const struct rights_line *subscribe[RIGHTS_LINES_MAX];
    uint8_t keys[USER_KEYS_MAX][SECRET_KEY_BYTES];
    struct network from[USER_NETWORKS_MAX];
};

/* Begins one. False, with a mistake, when the name is not one or there is no
 * memory; it must not be used then. */
bool user_draft_begin(struct user_draft *d, const char *name);

/* Adds what a line says, or a mistake. */
void user_draft_set(struct user_draft *d, const char *key, const char *value);

/* Ends it: `d->user` is complete but for what its role gives it. False, with a
 * mistake at the line of its section, to which the caller sets `mistakes`, when
 * nobody could be this user, or there is no memory. */
bool user_draft_end(struct user_draft *d);

/* What is wrong with a user's name: a part of a sentence; NULL when nothing
 * is. */
const char *user_name_fault(const char *name);

#endif
