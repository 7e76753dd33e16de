/* SPDX-License-Identifier: MIT
 *
 * play - a house whose clients do what a script says: what the verbs of all
 * protocols have in common.
 */
#ifndef SLUICE_TESTS_FUZZ_PLAY_H
#define SLUICE_TESTS_FUZZ_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/map.h"
#include "broker/core/tap.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/house.h"

struct rule;

enum {
    PLAY_CLIENTS = 8,
    PLAY_VERBS = 16, /* of each protocol */
    PLAY_NAMES = 8,
};

struct play {
    struct house house;
    struct script script;
    struct rule *rules;    /* NULL: those of the house */
    int fds[PLAY_CLIENTS]; /* -1 when not connected */
    struct tap tap;
    struct map_walk walk; /* over the channels, as watchers see them */
    uint64_t refused;     /* connections, without memory */
    uint32_t rids;        /* given to units so far */
};

typedef void play_verb(struct play *p, int client);

/* Channels of every kind, as version 1 names them. */
extern const char *const play_names[PLAY_NAMES];

/* How many bytes a size in the script stands for. */
extern const uint32_t play_scales[4];

/* Opens the house, with all that a script can set as it is at first. */
void play_open(struct play *p, const uint8_t *bytes, size_t n, int log_fd);

/* A turn, after which all invariants hold. */
void play_turn(struct play *p);

/* Time stands still but here. */
void play_pass_time(struct play *p, uint32_t ms);

/* The broker stops as soon as all is delivered. */
void play_finish_if_drained(struct play *p);

/* A new connection in place of the client's last. */
void play_connect(struct play *p, int client);
void play_hang_up(struct play *p, int client);

/* Without waiting, so the client may say a part of it only. */
void play_send(int fd, const void *bytes, size_t n);

/* The client takes up to `n` bytes. True when something came. */
bool play_receive(struct play *p, int client, size_t n);

/* Everything. True when something came. */
bool play_receive_all(struct play *p, int client);

/* Has at most so much memory: a row of a table. */
void play_set_memory(struct play *p, uint8_t which);

#endif
