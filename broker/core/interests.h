/* SPDX-License-Identifier: MIT
 *
 * interests - finds the wildcard patterns that match a channel. That is needed
 * when a channel appears, never for a message.
 *
 * Patterns of one shape have their wildcards in the same segments. Of all
 * patterns of a shape only one can match a given name: the one that is equal to
 * it in all other segments. So a search costs one lookup for each shape, in a
 * table whose hashes are sums of the hashes of segments, and one comparison for
 * each pattern found. The lookup takes as many steps as the shape has
 * wildcards. This module does not know the objects that interests belong to.
 */
#ifndef SLUICE_CORE_INTERESTS_H
#define SLUICE_CORE_INTERESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/base/siphash.h"
#include "proto/pattern.h"

struct interest_group;

/* Embedded in the object of a wildcard subscription. */
struct interest {
    struct list same; /* those with an equal pattern */
    struct interest_group *group;
};

struct interests {
    struct map shapes;
    struct list all_shapes;
    struct interest_group **slots; /* groups by hash; NULL when empty */
    size_t slot_count;             /* a power of two, or 0 */
    size_t group_count;
    struct siphash_key key;
    struct budget *budget;
};

/* No interests; their memory is charged to `budget`. */
void interests_init(struct interests *in, struct budget *budget);

/* All interests must have been removed. */
void interests_fini(struct interests *in);

/* `p` is a pattern with a wildcard, and is copied. False when there is no
 * memory; then nothing has changed. */
bool interests_add(struct interests *in, struct interest *i,
                   const struct pattern *p);

/* `i` was added and has not been removed. */
void interests_remove(struct interests *in, struct interest *i);

/* Calls `visit` for every interest whose pattern matches; those with an equal
 * pattern in the order in which they were added. It may not add or remove any.
 */
void interests_match(const struct interests *in, const uint8_t *name,
                     size_t length,
                     void (*visit)(struct interest *i, void *arg), void *arg);

/* Valid until the interest is removed. */
const struct pattern *interest_pattern(const struct interest *i);

#endif
