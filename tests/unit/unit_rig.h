/* SPDX-License-Identifier: MIT
 *
 * unit_rig - a house on virtual wires: clients of both versions that say units
 * and hear what comes of them, and a time that passes when a test says so. The
 * octets are written and read by hand: the codec does not test itself.
 */
#ifndef SLUICE_TESTS_UNIT_UNIT_RIG_H
#define SLUICE_TESTS_UNIT_UNIT_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "tests/unit/house.h"
#include "tests/unit/virtual_stream.h"

enum {
    UNIT_RIG_MAX = 100 << 10,   /* bytes of one unit */
    UNIT_RIG_HEARD = 256 << 10, /* and of all that one client hears */
};

struct unit_rig {
    struct house house;
    int log_fd;
    size_t appetite[VIRTUAL_WIRES]; /* bytes that each takes in a turn */
    struct unit_ear {
        size_t bytes, text;
        uint8_t octets[UNIT_RIG_MAX];
        char heads[UNIT_RIG_HEARD];
    } ears[VIRTUAL_WIRES];
};

/* For cmocka. Closing fails when memory is still counted. */
int unit_rig_open(void **state);
int unit_rig_close(void **state);

/* A client of version 2, whose INFO has come; `options` are those of its
 * opening. The broker can write `capacity` bytes ahead of it. */
int unit_rig_client(struct unit_rig *r, const char *options, size_t capacity);

/* One of version 1, which subscribes. */
int unit_rig_client_v1(struct unit_rig *r, const char *channel);

/* Says a unit with so many octets as its body. One turn passes. */
void unit_rig_say(struct unit_rig *r, int wire, const char *head, size_t body);

/* The same without a turn. */
void unit_rig_put(struct unit_rig *r, int wire, const char *head, size_t body);

/* The heads of the units that came since the last call, each with "|" behind,
 * "$" for the end of the connection. Of version 1 the messages' sizes. */
const char *unit_rig_heard(struct unit_rig *r, int wire);

void unit_rig_check(struct unit_rig *r, int wire, const char *expected);

void unit_rig_turns(struct unit_rig *r, int n);
void unit_rig_pass(struct unit_rig *r, uint32_t ms);

/* The session at the other end; NULL when it has ended. */
struct session *unit_rig_session(struct unit_rig *r, int wire);

#endif
