/* SPDX-License-Identifier: MIT
 *
 * core_config - the rules and bounds that a core works by. A reload replaces
 * all of them.
 */
#ifndef SLUICE_CORE_CORE_CONFIG_H
#define SLUICE_CORE_CORE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "broker/core/slice.h"

struct rule;

struct core_config {
    const struct rule *rules; /* borrowed; the first that matches applies, the
                                 last one matches every name */
    size_t rule_count;
    uint64_t prefetch_bytes; /* what a consumer may hold in advance */
    uint64_t turn_bytes;     /* what a publisher brings in one read */
    message_size_fn *message_size;
};

#endif
