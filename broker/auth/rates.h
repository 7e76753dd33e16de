/* SPDX-License-Identifier: MIT
 *
 * rates - how much each user sends, in messages and in bytes, against what it
 * may send in a second. A second's worth may come at once; who has sent more is
 * over until time has made up for it.
 */
#ifndef SLUICE_AUTH_RATES_H
#define SLUICE_AUTH_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user;

struct rate {
    uint64_t messages_us, bytes_us; /* when all that was sent is made up for */
};

/* All zeros: of no users. */
struct rates {
    size_t users;
    struct rate *all; /* by the place of the user; NULL: none has sent yet */
};

/* Forgets all, for so many users. */
void rates_reset(struct rates *r, size_t users);

/* Whether there is anything to keep to. */
bool rates_are_limited(const struct user *user);

/* The user at that place has sent so much. Without memory it is forgotten. */
void rates_charge(struct rates *r, size_t place, const struct user *user,
                  uint64_t messages, uint64_t bytes, uint64_t now_us);

/* Whether it has sent more than it may. */
bool rates_are_over(const struct rates *r, size_t place, uint64_t now_us);

/* Whether it may send half of a second's worth at once. */
bool rates_have_room(const struct rates *r, size_t place, uint64_t now_us);

#endif
