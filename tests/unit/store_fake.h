/* SPDX-License-Identifier: MIT
 *
 * store_fake - a store without files, for tests of what uses one. It does what
 * it is asked when the test says so, and as much; refuses, is full or fails
 * when the test says so. What is done is "on disk": it outlives the core, and
 * the next core can be given what is left.
 *
 * What a core may not do fails the test: acknowledge what is not on disk, put
 * numbers that do not rise, change bytes that it has put, ask for what it may
 * not.
 */
#ifndef SLUICE_TESTS_UNIT_STORE_FAKE_H
#define SLUICE_TESTS_UNIT_STORE_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/store_ops.h"

struct fake_channel;
struct fake_ticket;

struct store_fake {
    message_size_fn *size;
    struct fake_channel *channels;
    uint32_t channel_count; /* ids are from 1 on, and not used again */
    uint64_t floor; /* the highest number of channels that were dropped */
    struct fake_ticket *first, **last; /* asked and not done, in order */
    uint32_t waiting;                  /* so many */
    uint32_t room;     /* tickets it takes; UINT32_MAX at first */
    uint32_t ack_room; /* acknowledgements it takes until the next reap */
    uint32_t channels_most;
    uint64_t tickets;  /* so far: puts and reads */
    uint64_t fails_at; /* the ticket that fails, and all later ones; 0: none */
    enum store_state state, told;
    struct store_room space; /* what it says of it; no bounds at first */
    uint64_t puts, acks, reads, kicks; /* so far */
    uint64_t messages;                 /* on disk and not acknowledged */
    bool is_lazy;                      /* does nothing until store_fake_do() */
};

extern const struct store_ops store_fake_ops;

/* Empty. It does all it is asked at the next reap. */
void store_fake_init(struct store_fake *f, message_size_fn *size);

/* With all that is on disk. */
void store_fake_fini(struct store_fake *f);

/* Does up to so many of the tickets that wait: they are reaped next. */
void store_fake_do(struct store_fake *f, uint32_t tickets);

/* What changes is reaped next. */
void store_fake_set_state(struct store_fake *f, enum store_state state);

/* The process ends: what was not done is as if it had not been asked. All
 * references that it took are given back, as a store that is closed does: reap
 * afterwards, if there still is a core. */
void store_fake_close(struct store_fake *f);

/* Messages of this name on disk and not acknowledged; UINT64_MAX: there is no
 * such channel. */
uint64_t store_fake_count(const struct store_fake *f, const char *name);

/* Messages that are asked to be put, and not on disk. */
uint64_t store_fake_pending(const struct store_fake *f);

/* The message of that number cannot be read from now on. */
void store_fake_damage(struct store_fake *f, const char *name, uint64_t number);

#endif
