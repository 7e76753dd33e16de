/* SPDX-License-Identifier: MIT
 *
 * sockets - pairs of connected ones for tests, and how often the loop woke.
 */
#ifndef SLUICE_TESTS_UNIT_SOCKETS_H
#define SLUICE_TESTS_UNIT_SOCKETS_H

#include <stdint.h>

struct reactor;

/* Non-blocking, and connected over 127.0.0.1. */
void sockets_tcp_pair(int out[2]);

void sockets_unix_pair(int out[2]);

/* Closes so that a TCP peer sees a reset. */
void sockets_reset(int fd);

/* Writes until there is no room; returns how many bytes that were. */
uint64_t sockets_fill(int fd);

/* Reads until there is nothing; returns how many bytes that were. */
uint64_t sockets_drain(int fd);

/* Turns that do not wait. */
void sockets_turns(struct reactor *r, int n);

/* Runs the loop until nothing has been due for a while; returns how often it
 * was woken, which is a handful unless it spins. */
int sockets_count_wakes(struct reactor *r);

#endif
