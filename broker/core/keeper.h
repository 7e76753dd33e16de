/* SPDX-License-Identifier: MIT
 *
 * keeper - what the durable queues of one core have in common: the store, and
 * how far it has come. What was published is put into the store at the end of
 * the turn, and handed out when it is on disk:
 *
 *     turns   ... durable ............ turn
 *             all of these is on disk, the current one
 *
 * Messages that are not on disk yet take memory that no queue accounts for, so
 * there is a bound for all: beyond it the gates of durable queues that are
 * published to close, until half of it is on disk. The same holds for the room
 * that the store is sure to have: what was accepted does not wait for space.
 */
#ifndef SLUICE_CORE_KEEPER_H
#define SLUICE_CORE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"
#include "broker/core/store_ops.h"

struct keep;
struct keeper_ack;
struct keeper_mark;
struct turn;

enum {
    KEEPER_STALL_BYTES = 16 << 20,  /* not on disk: gates close, */
    KEEPER_RESUME_BYTES = 8 << 20,  /* and open */
    KEEPER_READING_BYTES = 8 << 20, /* of all reads under way */
};

/* What the keeper has to tell a keep. */
struct keeper_calls {
    /* Puts what it has; false when the store has no room for all. */
    bool (*put)(struct keep *k);
    /* That slice is on disk. */
    void (*on_put)(struct keep *k, const struct slice *s);
    /* Its read is done. */
    void (*on_read)(struct keep *k);
    /* Its gate opens again. */
    void (*resume)(struct keep *k);
};

struct keeper {
    const struct store_ops *ops; /* NULL: nothing is durable */
    void *store;
    const struct keeper_calls *calls;
    struct turn *core_turn;
    struct idmap keeps;      /* by the store's ids */
    struct list unput;       /* keeps that the store had no room for, the one
                                that has waited longest first */
    struct list stalled;     /* keeps whose gates are closed for it */
    struct list hungry;      /* keeps that could not begin to read */
    struct list trails;      /* struct trail: what is not confirmed */
    struct keeper_ack *acks; /* that it had no room for, oldest first; */
    uint32_t ack_head, ack_count, ack_room;
    struct keeper_mark
        *marks; /* turns with puts that are not on disk, a ring */
    uint32_t mark_head, mark_count, mark_room; /* a power of two, or 0 */
    uint64_t turn;       /* the current one; the first is 1 */
    uint64_t puts, done; /* slices that were put, and are on disk */
    uint64_t marked;     /* `puts` at the end of the last turn */
    uint64_t late_turn;  /* from this one on nothing is known to be on
                            disk until `unput` is empty and so many
                            slices are; 0: there is none */
    uint64_t late_puts;
    uint64_t pending_bytes; /* accepted and not on disk, with texts */
    uint64_t reading_bytes; /* of reads under way */
    uint64_t damaged;       /* messages that could not be read back; keep.c
                               counts them */
    const struct store_channel *found; /* that is recovered; else NULL */
    struct store_room room;            /* of the store, when it was reaped */
    enum store_state state;
    bool has_asked; /* the store has something to begin */
};

/* Without a store. */
void keeper_init(struct keeper *k, struct turn *t);

/* All keeps are gone, and no read is under way. */
void keeper_fini(struct keeper *k);

static inline bool keeper_is_open(const struct keeper *k)
{
    return k->ops != NULL;
}

/* The last turn of which everything is on disk. */
uint64_t keeper_durable_turn(const struct keeper *k);

/* The turn ends: the store begins what it was asked. */
void keeper_end_turn(struct keeper *k);

/* The same in the middle of a turn. */
void keeper_kick(struct keeper *k);

/* Takes what the store has done; what that permits happens when the turn
 * ends. */
void keeper_reap(struct keeper *k);

/* For keep.c. */

/* False with `refusal` of the turn: there is no memory, or the store takes no
 * more channels. Otherwise `*first` is the number of its first message, which
 * it was at least. */
bool keeper_open_channel(struct keeper *k, struct keep *keep, uint64_t *first);
bool keeper_add(struct keeper *k, struct keep *keep);
void keeper_remove(struct keeper *k, struct keep *keep);
void keeper_drop_channel(struct keeper *k, const struct keep *keep);

/* What is pending takes so much of the store's room. */
static inline uint64_t keeper_pending_room(const struct keeper *k)
{
    return k->pending_bytes + (k->puts - k->done) * STORE_PUT_BYTES;
}

/* How many bytes more are sure to find space, behind so many that are not
 * accepted yet. */
static inline uint64_t keeper_room(const struct keeper *k, uint64_t before)
{
    uint64_t taken = keeper_pending_room(k) + before + STORE_PUT_BYTES;
    return k->room.bytes > taken ? k->room.bytes - taken : 0;
}

/* Whether so many bytes more are sure to find space. Where nothing is pending a
 * message is tried that might. */
static inline bool keeper_has_room(const struct keeper *k, uint64_t bytes)
{
    return k->pending_bytes == 0 ||
           keeper_pending_room(k) + bytes + STORE_PUT_BYTES <= k->room.bytes;
}

/* Whether a message of so many bytes is sure to find none. */
static inline bool keeper_lacks_room(const struct keeper *k, uint64_t bytes)
{
    return keeper_pending_room(k) + bytes + STORE_PUT_BYTES > k->room.most;
}

/* Whether gates are closed because too much is not on disk, or the store takes
 * no messages. */
static inline bool keeper_is_stalled(const struct keeper *k)
{
    return k->state != STORE_OPEN || k->pending_bytes >= KEEPER_STALL_BYTES ||
           !keeper_has_room(k, 0);
}

/* One slice, behind all others. False: the keep waits among the `unput`. */
bool keeper_put(struct keeper *k, struct keep *keep, const struct slice *s);

/* These messages are done. */
void keeper_ack(struct keeper *k, struct keep *keep, uint64_t first,
                uint32_t count);

/* Begins to read. False: it cannot now, and the keep is `hungry`. */
bool keeper_read(struct keeper *k, struct keep *keep, struct store_read *read);

#endif
