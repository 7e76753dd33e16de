/* SPDX-License-Identifier: MIT
 *
 * rig - a core without sockets: the time is a number, and readers take what
 * they are owed as far as their appetite goes, as a socket's buffer would.
 *
 * Messages have a format of the rig's own, to prove that the core knows none:
 * three bytes, little-endian, that count what follows them.
 */
#ifndef SLUICE_TESTS_UNIT_RIG_H
#define SLUICE_TESTS_UNIT_RIG_H

#include <stdint.h>

#include "broker/core/core.h"
#include "broker/core/rule.h"

enum {
    RIG_HEAD_BYTES = 3,
    RIG_CLIENT_LIMIT = 1000, /* small, so that tests reach it */
    RIG_QUEUE_LIMIT = 1000,
    RIG_PREFETCH = 104,
    RIG_TURN_BYTES = 200,
    RIG_PATIENCE_MS = 1000,
    RIG_RESUMED_MAX = 16,
};

struct rig {
    struct core core;
    struct counters counters;
    struct budget budget;
    struct rule rule;                  /* of every channel; may be changed */
    uint32_t slow, recovered, pressed; /* notices so far */
    struct publisher *resumed[RIG_RESUMED_MAX]; /* not asked for yet */
    int resumed_count;
    struct publisher *leaver; /* leaves when another is resumed; or NULL */
};

struct reader {
    struct subscriber sub;
    uint64_t appetite; /* bytes it takes before it stalls */
    uint8_t *got;      /* all it took */
    size_t got_bytes, got_room;
    size_t read_bytes; /* of these, returned by reader_words */
    char *words;
};

void rig_open(struct rig *r);

/* Fails the test unless all memory has come back. */
void rig_close(struct rig *r);

uint64_t rig_count(const struct rig *r, enum counter_id id);

/* NULL when there is none; never makes one. */
struct channel *rig_find(struct rig *r, const char *name);

/* Publishes one message that is not given to anybody yet. */
enum publish_status rig_say(struct rig *r, const char *channel,
                            const char *text);

/* The same, of `n` bytes that begin with `text`. */
enum publish_status rig_say_bytes(struct rig *r, const char *channel,
                                  const char *text, uint32_t n);

/* Ends the turn; every reader takes what it likes. */
void rig_turn(struct rig *r);

/* Says each of the words, separated by blanks, and takes a turn. */
void rig_post(struct rig *r, const char *channel, const char *words);

void rig_wait_ms(struct rig *r, uint32_t ms);

/* Those that were resumed since it was last called; returns how many. */
int rig_resumed(struct rig *r, struct publisher **out, int max);

/* False if there can be no such channel. */
bool reader_try(struct rig *r, struct reader *reader, const char *channel,
                uint64_t appetite);
void reader_open(struct rig *r, struct reader *reader, const char *channel,
                 uint64_t appetite);

/* It takes up to `bytes` more, now or later, and a turn follows. */
void reader_feed(struct rig *r, struct reader *reader, uint64_t bytes);

/* Whole messages since the last call, up to their first NUL, with blanks in
 * between. */
const char *reader_words(struct reader *reader);

/* Leaves, if it has not, and a turn follows. */
void reader_close(struct rig *r, struct reader *reader);

#endif
