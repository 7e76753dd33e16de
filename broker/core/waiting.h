/* SPDX-License-Identifier: MIT
 *
 * waiting - the messages that a channel itself holds, for an operator to look
 * at or to drop: those of a queue that no consumer has been given, and those
 * that a topic keeps for its first subscriber.
 */
#ifndef SLUICE_CORE_WAITING_H
#define SLUICE_CORE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct core;

/* Messages and their bytes, as they would be delivered. */
struct waiting {
    uint64_t messages, bytes;
};

/* A message of `n` bytes, as it would be delivered, and how long it has waited.
 * They are valid until it returns; false ends the visit. It may not call the
 * core. */
typedef bool waiting_fn(void *arg, const uint8_t *message, uint32_t n,
                        uint32_t age_ms);

/* Shows the messages of a channel in the order in which they would be
 * delivered, and takes none. Returns how many there are, 0 also when there is
 * no such channel. Between turns. */
struct waiting waiting_show(struct core *c, const uint8_t *name,
                            uint32_t length, waiting_fn *visit, void *arg);

/* Drops the oldest messages, counting them as purged: as many as keep the time
 * short that this takes, at least one, and none when there are none. What that
 * permits, like publishers that go on, happens when the turn ends. Returns what
 * was dropped, and in *left what is left. Between turns. */
struct waiting waiting_purge(struct core *c, const uint8_t *name,
                             uint32_t length, struct waiting *left);

enum {
    /* Of one call, so that it takes about a millisecond at most. */
    WAITING_PURGE_SLICES = 512,
    WAITING_PURGE_BYTES = 4 << 20,
};

#endif
