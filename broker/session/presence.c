/* SPDX-License-Identifier: MIT */
#include "broker/session/presence.h"

#include "broker/base/budget.h"

void presence_init(struct presence *p, struct budget *budget)
{
    p->budget = budget;
    idmap_init(&p->rows, budget);
    list_init(&p->all);
}

static uint64_t id_of(const struct user *user)
{
    return (uint64_t)(uintptr_t)user;
}

static struct present *presence_find(const struct presence *p,
                                     const struct user *user)
{
    const uint64_t *row = user ? idmap_find(&p->rows, id_of(user)) : NULL;
    return row ? (struct present *)(uintptr_t)*row : NULL;
}

static void presence_free(struct presence *p, struct present *one)
{
    list_remove(&one->link);
    idmap_remove(&p->rows, id_of(one->user));
    budget_free(p->budget, one, sizeof *one);
}

void presence_clear(struct presence *p)
{
    while (!list_is_empty(&p->all))
        presence_free(p, LIST_OF(p->all.next, struct present, link));
}

static struct present *presence_new(struct presence *p, const struct user *user)
{
    struct present *one = budget_zalloc(p->budget, sizeof *one);
    if (!one)
        return NULL;
    one->user = user;
    if (!idmap_put(&p->rows, id_of(user), (uint64_t)(uintptr_t)one)) {
        budget_free(p->budget, one, sizeof *one);
        return NULL;
    }
    list_insert(&p->all, &one->link);
    return one;
}

bool presence_add(struct presence *p, const struct user *user)
{
    struct present *one = presence_find(p, user);
    if (!one)
        one = presence_new(p, user);
    if (one)
        one->connections++;
    return one != NULL;
}

void presence_remove(struct presence *p, const struct user *user)
{
    struct present *one = presence_find(p, user);
    if (one && --one->connections == 0)
        presence_free(p, one);
}

uint64_t presence_of(const struct presence *p, const struct user *user)
{
    const struct present *one = presence_find(p, user);
    return one ? one->connections : 0;
}
