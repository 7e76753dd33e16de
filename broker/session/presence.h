/* SPDX-License-Identifier: MIT
 *
 * presence - the users that have connections, and how many. Rows are made and
 * freed with the first and the last of them.
 */
#ifndef SLUICE_SESSION_PRESENCE_H
#define SLUICE_SESSION_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"

struct budget;
struct user;

struct present {
    struct list link; /* of all, in the order of coming */
    const struct user *user;
    uint64_t connections; /* at least 1 */
};

struct presence {
    struct budget *budget;
    struct idmap rows; /* struct present, by the address of the user */
    struct list all;
};

/* Nobody is there yet. `budget` is borrowed. */
void presence_init(struct presence *p, struct budget *budget);

/* Forgets all. */
void presence_clear(struct presence *p);

/* The user has one connection more. False without memory. */
bool presence_add(struct presence *p, const struct user *user);

/* One less. */
void presence_remove(struct presence *p, const struct user *user);

/* How many it has. `user` may be NULL. */
uint64_t presence_of(const struct presence *p, const struct user *user);

#endif
