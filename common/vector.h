/* SPDX-License-Identifier: MIT
 *
 * vector - room for one more item in an array that grows.
 */
#ifndef SLUICE_COMMON_VECTOR_H
#define SLUICE_COMMON_VECTOR_H

#include <stddef.h>
#include <stdlib.h>

/* `items` has room for *room items of `size` bytes, `count` of which are used.
 * Returns the array with room for one more, moved perhaps; NULL, and nothing
 * changed, when there is no memory. */
static inline void *vector_grow(void *items, size_t *room, size_t count,
                                size_t size)
{
    if (count < *room)
        return items;
    size_t more = *room > 0 ? *room * 2 : 16;
    void *grown = reallocarray(items, more, size);
    if (grown)
        *room = more;
    return grown;
}

#endif
