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
 * wildcards. However many there are, a search can be made in pieces of any
 * size. This module does not know the objects that interests belong to.
 */
#ifndef SLUICE_CORE_INTERESTS_H
#define SLUICE_CORE_INTERESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/idmap.h"
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

/* A name, and the hashes of its segments. Each hash depends on the segment's
 * place, too, because a sum has no order. */
struct interest_question {
    struct pattern_name name;
    uint64_t each[PATTERN_SEGMENTS_MAX];
    uint64_t upto[PATTERN_SEGMENTS_MAX + 1]; /* of all segments before */
};

/* Where the search under way has come to. */
struct interest_search {
    bool is_over;
    struct list *shape;           /* the next one, or the head of the list */
    struct interest_group *group; /* that matches; NULL: the next shape's */
    struct list *same;            /* the next one in the group, or its head */
    struct interest_question question;
};

struct interests {
    struct map shapes;
    struct list all_shapes;
    struct idmap groups; /* by hash, which nobody can choose */
    size_t group_count;
    struct siphash_key key;
    struct budget *budget;
    struct interest_search search;
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

/* Those with this pattern, which is not exact; NULL when there are none. Valid
 * until the last of them is removed. */
const struct interest_group *interests_with(struct interests *in,
                                            const struct pattern *p);

/* Begins a search for those whose patterns match the name, which is borrowed
 * until it is over. The search before, if it is not over, is given up. */
void interests_seek(struct interests *in, const uint8_t *name, size_t length);

/* The next one that matches; those with an equal pattern come in the order in
 * which they were added. Lowers *work by about one for each 50 ns. NULL when it
 * is not positive any more, or when the search is over. Interests may be
 * removed and added between two calls: those added may be found or not. */
struct interest *interests_next(struct interests *in, int32_t *work);

/* No more are sought; harmless when none were. */
void interests_stop(struct interests *in);

static inline bool interests_are_sought(const struct interests *in)
{
    return !in->search.is_over;
}

/* Valid until the interest is removed. */
const struct pattern *interest_pattern(const struct interest *i);

#endif
