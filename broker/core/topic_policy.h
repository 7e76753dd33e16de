/* SPDX-License-Identifier: MIT
 *
 * topic_policy - what happens when a topic subscriber's outbox is over its
 * bound after its socket has been offered all of it. Each policy is a row of
 * functions.
 */
#ifndef SLUICE_CORE_TOPIC_POLICY_H
#define SLUICE_CORE_TOPIC_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/base/counters.h"

struct subscriber;

struct topic_policy {
    const char *name;
    const char *sentence;
    enum counter_id counter; /* of the messages or clients it costs */
    bool skips_slow; /* offers a slow subscriber nothing: one gap, not many */
    /* Brings the outbox back within its bound, or makes publishers wait, or
     * dooms the subscriber. */
    void (*enforce)(struct subscriber *s);
    /* Memory is short: frees what it can of the outbox at once. */
    void (*shed)(struct subscriber *s);
};

extern const struct topic_policy topic_policies[];
extern const size_t topic_policy_count;

/* The first row: `wait`. */
#define TOPIC_POLICY_DEFAULT (&topic_policies[0])

/* NULL when there is none of this name. */
const struct topic_policy *topic_policy_find(const char *name);

#endif
