/* SPDX-License-Identifier: MIT */
#include "broker/auth/denials.h"

#include <stdlib.h>
#include <string.h>

#include "users/users.h"

/* NULL when there is none of that name, or no memory. */
static uint64_t *denials_find(struct denials *d, const struct users *users,
                              const struct user *user)
{
    size_t place = users_place(users, user), count = users_count(users);
    if (place == count || strcmp(users_get(users, place)->name, user->name))
        return NULL;
    if (!d->counts)
        d->counts = calloc(count, sizeof *d->counts);
    return d->counts ? &d->counts[place] : NULL;
}

void denials_add(struct denials *d, const struct users *users,
                 const struct user *user)
{
    uint64_t *count = denials_find(d, users, user);
    if (count)
        ++*count;
}

uint64_t denials_of(const struct denials *d, size_t place)
{
    return d->counts ? d->counts[place] : 0;
}

void denials_follow(struct denials *d, const struct users *before,
                    const struct users *after)
{
    struct denials kept = {.counts = NULL};
    for (size_t i = 0; d->counts && i < users_count(before); i++) {
        if (d->counts[i] == 0)
            continue;
        uint64_t *count = denials_find(&kept, after, users_get(before, i));
        if (count)
            *count = d->counts[i];
    }
    denials_clear(d);
    *d = kept;
}

void denials_clear(struct denials *d)
{
    free(d->counts);
    d->counts = NULL;
}
