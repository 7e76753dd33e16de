/* SPDX-License-Identifier: MIT
 *
 * virtual_stream - streams, the reactor and the clock without a kernel. Linked
 * in place of net/stream.c, net/reactor.c, base/clock.c and base/process.c, it
 * gives sessions connections whose other ends a test holds: two byte queues
 * each, read and written in pieces of any size. Nothing happens but by the
 * test, so that a seed repeats it.
 *
 * A connection is called a wire, and its number is its descriptor.
 */
#ifndef SLUICE_TESTS_UNIT_VIRTUAL_STREAM_H
#define SLUICE_TESTS_UNIT_VIRTUAL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"

enum {
    VIRTUAL_WIRES = 32,
    VIRTUAL_ROOM = 512 << 10, /* for what the broker has not read of a wire */
};

/* How far a client has ended its side. */
enum virtual_end {
    VIRTUAL_OPEN,
    VIRTUAL_HALF,   /* it sends no more, and reads on */
    VIRTUAL_CLOSED, /* nor does it read any more */
    VIRTUAL_RESET,  /* what it sent before is lost, too */
};

/* What the broker does to a wire, when it does it. */
struct virtual_watcher {
    void (*written)(void *arg, int wire, const uint8_t *bytes, size_t n);
    void (*closed)(void *arg, int wire);
    void *arg;
};

/* Before reactor_new(): sets the clock, and the seed of all that is left to
 * chance. No wire is left of an earlier beginning. */
void virtual_begin(clock_ms now, uint64_t seed,
                   const struct virtual_watcher *watcher);

/* A new wire, for clients_add(). The broker may write `capacity` bytes ahead of
 * its client. -1 when all are in use. */
int virtual_wire(size_t capacity);

/* A wire that the broker has closed may be given out again. */
void virtual_forget(int wire);

/* From now on the broker reads and writes at most so many bytes at once, often
 * fewer; 0: as many as it likes. */
void virtual_cut(int wire, uint32_t most);

/* From now on what the broker writes is made into records of so many bytes at
 * most, which come when they are whole; what is sealed is pledged. */
void virtual_seal(int wire, uint32_t record);

/* The client's end. */
void virtual_send(int wire, const void *bytes, size_t n);
size_t virtual_take(int wire, size_t most); /* returns how many it took */
void virtual_end(int wire, enum virtual_end end);

size_t virtual_unread(int wire);     /* bytes: by the broker, */
size_t virtual_untaken(int wire);    /* and by the client */
uint64_t virtual_was_read(int wire); /* bytes, in all */
bool virtual_is_open(int wire);      /* the broker's end */
bool virtual_is_full(int wire);      /* the broker waits until it can write */

clock_ms virtual_now(void);
void virtual_set_now(clock_ms now);

/* Time until the broker's timer is due; UINT32_MAX: never. */
uint32_t virtual_timer_ms(void);

#endif
