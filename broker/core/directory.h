/* SPDX-License-Identifier: MIT
 *
 * directory - the channels of a core, by name.
 */
#ifndef SLUICE_CORE_DIRECTORY_H
#define SLUICE_CORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/map.h"
#include "broker/core/name_class.h"

struct channel;
struct rule;
struct turn;

struct directory {
    struct turn *turn;
    struct map channels;
    uint64_t epoch; /* changes when a channel is freed */
};

/* `turn` is borrowed for the life of the directory. */
void directory_init(struct directory *d, struct turn *turn);

/* No channel may be left. */
void directory_fini(struct directory *d);

/* NULL when there is none of this name. */
struct channel *directory_find(const struct directory *d, const uint8_t *name,
                               uint32_t length);

/* A new channel; there must be none of this name. NULL when there can be none:
 * `refusal` of the turn says why. It is freed when it is touched and then
 * unused. */
struct channel *directory_add(struct directory *d, enum name_class name_class,
                              const struct rule *rule, const uint8_t *name,
                              uint32_t length);

/* The channel of this name, created if there is none; NULL as above. */
struct channel *directory_obtain(struct directory *d, const uint8_t *name,
                                 uint32_t length);

/* Frees a channel that is unused and not touched. */
void directory_remove(struct directory *d, struct channel *ch);

/* Calls `visit` for every channel; it may not add or remove any. */
typedef void channel_fn(struct channel *ch, void *arg);
void directory_each(const struct directory *d, channel_fn *visit, void *arg);

/* The same for a part of them: those in `slots` slots of the table from number
 * `from` on, round and round. Returns the number to go on from. */
size_t directory_visit(const struct directory *d, size_t from, size_t slots,
                       channel_fn *visit, void *arg);

/* A walk over all of them in pieces; see map_walk. */
bool directory_walk(const struct directory *d, struct map_walk *walk,
                    size_t slots, channel_fn *visit, void *arg);

#endif
