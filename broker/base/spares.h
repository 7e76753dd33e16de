/* SPDX-License-Identifier: MIT
 *
 * spares - freed objects of one size, a few of which are kept for the next
 * ones: what comes and goes with each message would keep the allocator busy.
 */
#ifndef SLUICE_BASE_SPARES_H
#define SLUICE_BASE_SPARES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All zeros: there are none. */
struct spares {
    void *first; /* linked through their heads; NULL when there are none */
    uint32_t count;
};

/* Of undefined contents; NULL when there are none. */
static inline void *spares_get(struct spares *s)
{
    void *p = s->first;
    if (!p)
        return NULL;
    memcpy(&s->first, p, sizeof s->first);
    s->count--;
    return p;
}

/* Keeps an object that malloc() made, or frees it when there are `most`. */
static inline void spares_put(struct spares *s, void *p, uint32_t most)
{
    if (s->count >= most) {
        free(p);
        return;
    }
    memcpy(p, &s->first, sizeof s->first);
    s->first = p;
    s->count++;
}

/* Frees them. */
static inline void spares_clear(struct spares *s)
{
    void *p;
    while ((p = spares_get(s)) != NULL)
        free(p);
}

#endif
