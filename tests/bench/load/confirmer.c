/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/confirmer.h"

#include <string.h>

static const struct confirmer *const confirmers[] = {
    &confirmer_sluice,     &confirmer_durable,      &confirmer_work,
    &confirmer_nats,       &confirmer_nats_file,    &confirmer_redis,
    &confirmer_beanstalkd, &confirmer_durable_work, &confirmer_redis_work,
};

const struct confirmer *confirmer_find(const char *name)
{
    for (size_t i = 0; i < sizeof confirmers / sizeof *confirmers; i++)
        if (strcmp(confirmers[i]->name, name) == 0)
            return confirmers[i];
    return NULL;
}
