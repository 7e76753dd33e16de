/* SPDX-License-Identifier: MIT
 *
 * synced - receipts that wait until the messages that they are for are on disk,
 * and those behind them: receipts for durable queues are sent in the order of
 * the messages. They are written when a message is published, and only kept
 * back: a mark says which of them a turn of the core has to be on disk for.
 *
 *     a session's receipts   [ OK OK OK | OK | OK OK ]
 *     its marks                  turn 7   turn 9  turn 10
 *     all marks              in the order of turns, as the disk gets there
 */
#ifndef SLUICE_SESSION_UNITS_SYNCED_H
#define SLUICE_SESSION_UNITS_SYNCED_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/channel.h"
#include "proto/span.h"
#include "proto/unit_error.h"

struct backlog;
struct block;
struct session;
struct unit_hub;

enum {
    /* Receipts of one session, in bytes. At this bound it rests until half has
     * gone. */
    SYNCED_MAX = 512 << 10,
    SYNCED_SHORT_PART = 16, /* of the bound, while memory is short */
};

/* Of a session. */
struct synced {
    struct list marks;        /* the oldest first */
    struct backlog *receipts; /* each is a message */
    struct block *room;       /* where the next one goes; NULL: in a new one */
    bool is_held_back;        /* the session has to rest */
};

/* What a publish of so many bytes to a durable queue that wants that is refused
 * with now; UNIT_OK while the store takes messages and may have room for it. */
enum unit_error synced_refusal(const struct session *s, uint64_t bytes);

/* Whether receipts of it wait. */
bool synced_is_waiting(const struct session *s);

/* A message was published to a durable queue: its receipt waits, and those
 * before it. `is_synced`: it says that the message is on disk. False without
 * memory. */
bool synced_add(struct session *s, struct span rid, const struct receipt *r,
                bool is_synced);

/* For receipts that are put one behind another, as by units_answer_room() and
 * units_answers_added(); and how many bytes of them there is room for. */
uint64_t synced_left(const struct session *s);
uint8_t *synced_room(struct session *s, uint32_t n, uint32_t *room);
bool synced_added(struct session *s, uint32_t n, uint32_t receipts);

/* The session ends: drops its receipts. */
void synced_end(struct session *s);

/* Sends what has come to be on disk; refuses what will not be. */
void synced_end_turn(struct unit_hub *hub);

#endif
