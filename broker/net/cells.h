/* SPDX-License-Identifier: MIT
 *
 * cells - where libevent's small allocations go.
 *
 * For every descriptor that it has ever watched libevent keeps a few bytes
 * until its base is freed (evmap.c). Among the memory of connections, which
 * comes and goes, each of these would hold on to a page of it for ever. In
 * cells of their own they hold on to each other only.
 */
#ifndef SLUICE_NET_CELLS_H
#define SLUICE_NET_CELLS_H

/* Tells libevent. Call it once, from the first thread, before any other call
 * to libevent (event_set_mem_functions in event2/event.h). */
void cells_init(void);

#endif
