/* SPDX-License-Identifier: MIT
 *
 * session_rig - a house with two clients, and what they say and hear. The
 * bytes are written by hand: the codec does not test itself.
 */
#ifndef SLUICE_TESTS_UNIT_SESSION_RIG_H
#define SLUICE_TESTS_UNIT_SESSION_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "tests/unit/house.h"

#define STRING(literal) (literal), sizeof(literal) - 1

struct fixture {
    struct house house;
    int log_fd;
    int a, b;        /* clients, connected */
    uint64_t enough; /* connections; the loop stops at */
    char log[1 << 16];
    char got[1 << 17];
};

/* For cmocka. Closing fails when memory is still counted. */
int session_rig_open(void **state);
int session_rig_close(void **state);

void hang_up(int *fd);

/* Turns that do not wait. */
void turns(struct fixture *f, int n);

/* Each says something and has two turns pass. */
void say_bytes(struct fixture *f, int fd, const void *bytes, size_t n);
void say_frame(struct fixture *f, int fd, const char *text);
void say_pair(struct fixture *f, int fd, const char *channel,
              const char *message);

/* What came: messages with a "|" behind each, and "$" for the end. */
const char *heard(struct fixture *f, int fd);

void check_heard(struct fixture *f, int fd, const char *expected);
void check_logged(struct fixture *f, const char *part);

uint64_t count(const struct fixture *f, enum counter_id id);

/* Runs, with all its timers, until so many connections are left. */
void run_until(struct fixture *f, uint64_t connections);

#endif
