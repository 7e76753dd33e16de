/* SPDX-License-Identifier: MIT */
#include "broker/auth/rates.h"

#include <stdlib.h>

#include "users/users.h"

enum { SECOND_US = 1000 * 1000 };

void rates_reset(struct rates *r, size_t users)
{
    free(r->all);
    *r = (struct rates){.users = users};
}

bool rates_are_limited(const struct user *user)
{
    return user->limits.messages_per_s > 0 || user->limits.bytes_per_s > 0;
}

/* The time that `n` take at a rate. */
static uint64_t rate_time_us(uint64_t n, uint64_t per_s)
{
    uint64_t whole = n / per_s, rest = n % per_s;
    return whole * SECOND_US +
           (uint64_t)((double)rest * SECOND_US / (double)per_s);
}

static void rate_add(uint64_t *paid_us, uint64_t n, uint64_t per_s,
                     uint64_t now_us)
{
    if (per_s == 0)
        return;
    if (*paid_us < now_us)
        *paid_us = now_us;
    *paid_us += rate_time_us(n, per_s);
}

void rates_charge(struct rates *r, size_t place, const struct user *user,
                  uint64_t messages, uint64_t bytes, uint64_t now_us)
{
    if (!r->all)
        r->all = calloc(r->users, sizeof *r->all);
    if (!r->all || place >= r->users)
        return;
    struct rate *rate = &r->all[place];
    rate_add(&rate->messages_us, messages, user->limits.messages_per_s, now_us);
    rate_add(&rate->bytes_us, bytes, user->limits.bytes_per_s, now_us);
}

/* Whether what was sent takes longer than so much to make up for. */
static bool rates_exceed(const struct rates *r, size_t place, uint64_t now_us,
                         uint64_t us)
{
    if (!r->all || place >= r->users)
        return false;
    const struct rate *rate = &r->all[place];
    return rate->messages_us > now_us + us || rate->bytes_us > now_us + us;
}

bool rates_are_over(const struct rates *r, size_t place, uint64_t now_us)
{
    return rates_exceed(r, place, now_us, SECOND_US);
}

bool rates_have_room(const struct rates *r, size_t place, uint64_t now_us)
{
    return !rates_exceed(r, place, now_us, SECOND_US / 2);
}
