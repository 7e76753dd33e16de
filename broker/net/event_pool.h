/* SPDX-License-Identifier: MIT
 *
 * event_pool - where libevent's smallest allocations go, one pool for each
 * reactor.
 *
 * libevent keeps a few bytes for every descriptor that it has ever watched,
 * until its base is freed (evmap.c). Among the memory of connections, which
 * comes and goes, each of these would pin a page forever. In a pool they pin
 * only each other.
 *
 * libevent's memory functions take no argument, so each thread has a current
 * pool. Each allocation remembers its pool, so that another thread may free a
 * base after the thread that ran it has ended.
 */
#ifndef SLUICE_NET_EVENT_POOL_H
#define SLUICE_NET_EVENT_POOL_H

struct event_pool;

/* Also makes libevent use pools, so it comes before any other call to
 * libevent. NULL when there is no memory. */
struct event_pool *event_pool_new(void);

/* The pool must not be in use, and all its allocations must be freed. NULL is
 * allowed. */
void event_pool_free(struct event_pool *p);

/* From now on libevent's allocations in this thread come from `p`; NULL: from
 * the heap. */
void event_pool_use(struct event_pool *p);

#endif
