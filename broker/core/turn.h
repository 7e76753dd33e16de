/* SPDX-License-Identifier: MIT
 *
 * turn - the work that is due when the turn of the loop ends, and the state
 * that all channels of one core share. All files of core/ know the turn; it
 * knows none of them.
 */
#ifndef SLUICE_CORE_TURN_H
#define SLUICE_CORE_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/list.h"
#include "broker/base/spares.h"
#include "broker/base/wheel.h"
#include "broker/core/block.h"
#include "broker/core/core_config.h"
#include "broker/core/core_owner.h"

struct keeper;

/* Why a channel could not be made. */
enum refusal {
    REFUSAL_NO_MEMORY,
    REFUSAL_STORE_CROWDED, /* a durable queue: the store has too many, */
    REFUSAL_STORE_FAILED,  /* or has failed */
};

/* An alarm of the core. */
struct turn_alarm {
    struct alarm alarm;
    void (*ring)(struct turn_alarm *a);
};

struct turn {
    struct core_config config;
    struct core_owner owner;
    struct counters *counters;
    struct budget *budget;
    struct block_pool pool;
    struct spares spare_held; /* see held.c */
    struct keeper *keeper;    /* NULL: no queue is durable */
    clock_ms now;
    struct channel *touched, *touched_last; /* channels with something to
                                               settle, or that may have become
                                               unused; see channel_touch */
    struct list dirty;      /* subscribers with something to send */
    struct list doomed;     /* subscribers whose connections are to be closed */
    struct list busy;       /* subscribers that publishers wait for */
    struct list wary;       /* patiences that are not full, in the order in
                               which they were last charged */
    struct list fed;        /* workers that might take more than they were
                               offered; see queue_work.c */
    struct list open_gates; /* the first places at gates that are open */
    struct list resumed;    /* publishers that were admitted everywhere */
    uint64_t floor;         /* the highest number that a channel which has been
                               freed has given to a message */
    enum refusal refusal;   /* of the last channel that could not be made */
    uint32_t open_blocks;   /* opened since the last delivery */
    uint32_t joined;        /* subscribers so far */
    uint32_t deliverable; /* queues that hold messages and have a consumer, and
                             channels that await subscribers */
    struct wheel wheel;   /* of turn_alarms; begins with the first of them */
    bool has_wheel;
    bool is_running;  /* the turn is ending right now */
    bool is_starved;  /* a queue could not hand out messages because an
                          allocation failed */
    bool is_stopping; /* undelivered messages are counted as dropped by
                         stopping */
};

/* All pointers are borrowed for the life of the turn. */
void turn_init(struct turn *t, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget);

/* Rings once, in `ms` from now; set again if it was. */
void turn_set_alarm(struct turn *t, struct turn_alarm *a, uint32_t ms);

/* Harmless when it is not set. */
void turn_cancel_alarm(struct turn *t, struct turn_alarm *a);

/* Rings what is due; and in how many milliseconds something will be,
 * UINT32_MAX: nothing. */
void turn_ring(struct turn *t);
uint32_t turn_alarm_ms(const struct turn *t);

/* All blocks must be gone. */
void turn_fini(struct turn *t);

#endif
