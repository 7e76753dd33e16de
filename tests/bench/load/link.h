/* SPDX-License-Identifier: MIT
 *
 * link - a connection to the broker under load, and what else all generators
 * need: the clock, and giving up.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_LINK_H
#define SLUICE_TESTS_BENCH_LOAD_LINK_H

#include <stddef.h>
#include <stdint.h>

/* Says what failed, with errno, and ends the program. */
_Noreturn void link_die(const char *what);

uint64_t link_clock_ns(void);

/* A blocking connection to this port of 127.0.0.1, which delays nothing. */
int link_connect(uint16_t port);

/* Writes all of it on a blocking connection. */
void link_say(int fd, const void *bytes, size_t n);

#endif
