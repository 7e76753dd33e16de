/* SPDX-License-Identifier: MIT */
#include "broker/core/turn.h"

void turn_init(struct turn *t, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget)
{
    *t = (struct turn){.config = *config,
                       .owner = *owner,
                       .counters = counters,
                       .budget = budget};
    block_pool_init(&t->pool, budget);
    list_init(&t->dirty);
    list_init(&t->doomed);
    list_init(&t->busy);
    list_init(&t->wary);
    list_init(&t->open_gates);
    list_init(&t->resumed);
}

void turn_fini(struct turn *t)
{
    block_pool_fini(&t->pool);
}
