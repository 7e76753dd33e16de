/* SPDX-License-Identifier: MIT
 *
 * event_pool - where libevent's smallest allocations go, one pool for each
 * reactor.
 *
 * For every descriptor that it has ever watched libevent keeps a few bytes
 * until its base is freed (evmap.c). Among the memory of connections, which
 * comes and goes, each of these would pin a page forever. In a pool they pin
 * only each other.
 *
 * Libevent's memory functions take no argument, so each thread has a pool in
 * use; and each allocation remembers its pool, so that a base may be freed by
 * another thread once its own has ended.
 */
#ifndef SLUICE_NET_EVENT_POOL_H
#define SLUICE_NET_EVENT_POOL_H

struct event_pool;

/* Also makes libevent use pools, so it comes before any other call to
 * libevent. NULL when there is no memory. */
struct event_pool *event_pool_new(void);

/* It must not be in use, and all that came out of it freed. NULL is allowed. */
void event_pool_free(struct event_pool *p);

/* What libevent allocates in this thread from now on comes out of `p`; NULL:
 * from the heap. */
void event_pool_use(struct event_pool *p);

#endif
