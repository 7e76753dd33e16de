/* SPDX-License-Identifier: MIT
 *
 * backlog_drop - how a backlog gives up messages that are over a bound, and
 * memory that its messages pin without filling it. Call backlog_forget_sent
 * first.
 */
#ifndef SLUICE_CORE_BACKLOG_DROP_H
#define SLUICE_CORE_BACKLOG_DROP_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/backlog.h"

/* Of the messages that are pledged, wholly or in part: how many they are, and
 * the bytes of them that are not sent. What is sent of the first slice must be
 * forgotten. */
uint64_t backlog_pledged(const struct backlog *b, message_size_fn *size,
                         uint64_t *bytes);

/* Drops messages until at most `bytes` and `messages` are left; those that were
 * sent or are pledged in part stay, and so does the last one left. Returns how
 * many were dropped. */
typedef uint32_t backlog_drop_fn(struct backlog *b, struct budget *budget,
                                 message_size_fn *size, uint64_t bytes,
                                 uint64_t messages);

backlog_drop_fn backlog_drop_newest;
backlog_drop_fn backlog_drop_oldest;

/* Drops up to so many slices from the front, which must be wholly unsent.
 * Returns how many messages these held. */
uint64_t backlog_drop_slices(struct backlog *b, struct budget *budget,
                             uint32_t slices);

/* Drops the slices for which `is_dropped` returns true; none of the backlog may
 * have been sent. Returns how many messages these held. */
uint64_t backlog_drop_if(struct backlog *b, struct budget *budget,
                         bool (*is_dropped)(void *arg, const struct slice *s),
                         void *arg);

/* Copies what it holds into a block of just that size, if it pins much more
 * than that; *account is charged for the copy. False when there is no memory.
 */
bool backlog_compact(struct backlog *b, struct block_pool *pool,
                     struct account *account);

#endif
