/* SPDX-License-Identifier: MIT
 *
 * bounds - what the options mean for the parts of the broker. Values that do
 * not go together are lowered, and the log tells.
 */
#ifndef SLUICE_BROKER_BOUNDS_H
#define SLUICE_BROKER_BOUNDS_H

#include <stdint.h>

#include "broker/core/core.h"
#include "broker/session/sessions.h"

struct log;
struct options;

/* What the longest message may be: half of the memory at most. */
uint64_t bounds_max_frame(const struct options *o);

/* Borrows the rules of `o`. */
struct core_config bounds_core(const struct options *o);

struct sessions_config bounds_sessions(const struct options *o,
                                       struct log *log);

/* `possible` is what the system allows. */
uint32_t bounds_connections(const struct options *o, uint64_t possible,
                            struct log *log);

#endif
