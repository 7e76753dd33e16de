/* SPDX-License-Identifier: MIT
 *
 * life - a store from its opening to its end, on a simulated disk; what is
 * asked of it, and what it confirms, the model hears.
 */
#ifndef SLUICE_TESTS_STORE_LIFE_H
#define SLUICE_TESTS_STORE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/core/block.h"
#include "broker/store/engine.h"
#include "tests/store/model.h"

struct sim_disk;

struct life {
    struct engine *engine; /* NULL when it has not opened, or has ended */
    struct model *model;
    struct budget budget;
    struct block_pool pool;
    uint64_t wall_ms;
    uint32_t outstanding; /* puts that were neither reaped nor taken back */
    enum store_state state;
    struct engine_report report; /* of the opening */
};

struct life_bounds {
    uint64_t segment_bytes, limit_bytes, free_bytes;
};

/* Opens what is on the disk; whether it has opened. `life` is then to be
 * ended. */
bool life_open(struct life *life, struct model *model, struct sim_disk *sim,
               const struct life_bounds *bounds, uint64_t seed);
/* Shows all that is in it to the model. False: model->complaint says why. */
bool life_compare(struct life *life);

/* These return false when the store refuses; then nothing has changed. */

/* A new channel. False also when the model complains. */
bool life_open_channel(struct life *life, uint32_t name);
/* One slice of so many messages; with a text, of one. */
bool life_put(struct life *life, struct model_channel *c, uint32_t messages,
              bool has_text);
bool life_ack(struct life *life, struct model_channel *c, uint64_t first,
              uint32_t count);
/* Never refused. */
void life_drop(struct life *life, struct model_channel *c);

/* One step, and what came of it; how many messages were confirmed. */
uint64_t life_step(struct life *life);
/* The same until there is nothing to do; false when it failed, or if that does
 * not end. */
bool life_settle(struct life *life);

/* In order; whether all that was confirmed or asked is on disk. */
bool life_close(struct life *life);
/* As a kill would. Neither leaves memory in use. */
void life_abandon(struct life *life);

#endif
