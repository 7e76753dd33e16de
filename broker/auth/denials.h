/* SPDX-License-Identifier: MIT
 *
 * denials - how often each user did what it may not. They are kept while the
 * users file names the user, whether it is connected or not: a client of
 * version 1 is closed by its first.
 */
#ifndef SLUICE_AUTH_DENIALS_H
#define SLUICE_AUTH_DENIALS_H

#include <stddef.h>
#include <stdint.h>

struct user;
struct users;

/* All zeros: nothing was denied. */
struct denials {
    uint64_t *counts; /* by the place of the user; NULL: none was yet */
};

/* The user, of these users or of some before, was denied something. One that is
 * not among them is not counted, nor is anything without memory. */
void denials_add(struct denials *d, const struct users *users,
                 const struct user *user);

/* How often the user at this place was. */
uint64_t denials_of(const struct denials *d, size_t place);

/* Other users from now on: those of the same name keep their counts. `before`
 * is not looked at while nothing was denied. */
void denials_follow(struct denials *d, const struct users *before,
                    const struct users *after);

/* Forgets all. */
void denials_clear(struct denials *d);

#endif
