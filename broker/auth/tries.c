/* SPDX-License-Identifier: MIT */
#include "broker/auth/tries.h"

#include <stdlib.h>
#include <string.h>

#include "broker/auth/checks.h"
#include "broker/base/clock.h"
#include "broker/base/siphash.h"
#include "users/users.h"

struct tries *tries_new(void)
{
    struct tries *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    failures_init(&t->failures);
    t->checks = checks_new();
    if (recalled_init(&t->recalled) && t->checks)
        return t;
    tries_free(t);
    return NULL;
}

void tries_free(struct tries *t)
{
    if (!t)
        return;
    checks_free(t->checks);
    recalled_fini(&t->recalled);
    users_unref(t->users);
    free(t);
}

uint64_t tries_now_ms(void)
{
    return clock_now_us() / 1000;
}

struct network tries_source(const struct network *peer)
{
    return peer ? failures_source_of(peer) : (struct network){.version = 0};
}

uint32_t tries_wait_ms(const struct tries *t, const struct network *source)
{
    return source->version
               ? failures_wait_ms(&t->failures, source, tries_now_ms())
               : 0;
}

bool tries_is_suspect(const struct tries *t, const struct network *source)
{
    return source->version != 0 &&
           failures_suspect(&t->failures, source, tries_now_ms());
}

void tries_fail(struct tries *t, const struct network *source)
{
    if (source->version)
        failures_add(&t->failures, source, tries_now_ms());
}

/* What was right by older users is forgotten. These are kept until then, so
 * that no others can have their address. */
static void tries_follow(struct tries *t, struct users *users)
{
    if (t->users == users)
        return;
    recalled_reset(&t->recalled, users_count(users));
    users_unref(t->users);
    t->users = users_ref(users);
}

uint64_t tries_hash(const struct tries *t, const struct user *user)
{
    return user && user->password ? siphash(&t->failures.key, user->password,
                                            strlen(user->password)) |
                                        1
                                  : 0;
}

bool tries_recall(struct tries *t, struct users *users, const struct user *user,
                  const void *secret, size_t length,
                  uint8_t digest[RECALLED_DIGEST_BYTES])
{
    size_t place = users_place(users, user);
    tries_follow(t, users);
    return recalled_digest(&t->recalled, place, secret, length, digest) &&
           recalled_has(&t->recalled, place, digest, tries_now_ms());
}

void tries_remember(struct tries *t, const struct users *users,
                    const struct user *user,
                    const uint8_t digest[RECALLED_DIGEST_BYTES])
{
    if (t->users == users)
        recalled_add(&t->recalled, users_place(users, user), digest,
                     tries_now_ms());
}
