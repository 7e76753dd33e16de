/* SPDX-License-Identifier: MIT
 *
 * group - how long a batch waits for more messages. Publishers that bound what
 * they have in flight send when receipts arrive, that is, when a batch is on
 * disk. If the next batch began at once, with what has come meanwhile, theirs
 * would be the one after it, and so on: two groups of publishers in turns, each
 * waiting for two flushes.
 *
 *     a batch is on disk: `done` messages; others are waiting already
 *     the next one begins with as many as both together, or after half of the
 *     time that the last one took; later while messages keep coming, but after
 *     two thirds of it at the latest
 *
 * So two groups become one and remain one, while they come back faster than
 * that. If the wait ended at half of it whoever comes, those of many publishers
 * that come back last would miss the batch, and wait for two flushes and a
 * half. A lone publisher never waits: its next message is all that is expected.
 * Where messages come at their own pace a wait is in vain, and so many batches
 * as `pause` do not wait; the pause doubles each time, and is halved when a
 * wait was worth it. Time is an argument; there are no threads here.
 */
#ifndef SLUICE_STORE_GROUP_H
#define SLUICE_STORE_GROUP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GROUP_SHARE = 2,       /* of the last batch's time, that one waits; */
    GROUP_STEP_SHARE = 8,  /* such a part of it for whoever is next; */
    GROUP_THIRDS = 2,      /* and so many thirds of it at most; */
    GROUP_LEAST_US = 100,  /* if half is less it does not wait, */
    GROUP_MOST_US = 10000, /* and this is the longest */
    GROUP_PAUSE_MAX = 64,  /* batches */
};

/* All zeros: the first batch does not wait. */
struct group {
    uint64_t expected; /* messages; 0: the next batch does not wait */
    uint64_t until_us; /* it waits no longer than this, */
    uint64_t step_us;  /* or than so long after the last message, */
    uint64_t most_us;  /* until this time at most */
    uint64_t came;     /* messages that were waiting when it was last asked */
    uint64_t waits;    /* batches that ever waited */
    uint32_t pause;    /* batches without a wait, after the last one in vain */
    uint32_t left;     /* of them */
    bool is_new;       /* `expected` is without those that wait already */
    bool is_waiting;
};

/* A batch is on disk at `now_us`, which took `batch_us`, with so many messages;
 * 0: it had none. */
void group_written(struct group *g, uint64_t now_us, uint64_t batch_us,
                   uint64_t done);

/* Microseconds that the next batch, for which there are so many messages, still
 * waits; 0: it does not. First asked with those that there were when the last
 * batch was on disk. */
uint64_t group_wait_us(struct group *g, uint64_t now_us, uint64_t waiting);

#endif
