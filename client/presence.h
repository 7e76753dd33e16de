/* SPDX-License-Identifier: MIT
 *
 * presence - the people in a room: a convention for the topic ROOM/presence, to
 * which all of them subscribe and publish. A message is a word, a
 * name and, to tell two of one name apart, an identity:
 *
 *     join ann 5f21     ann comes; those who are there answer with "here"
 *     here ann 5f21     ann is there: an answer, and again every 15 seconds
 *     leave ann 5f21    ann goes
 *
 * A person who is not heard of for 45 seconds is reported as gone. A newcomer
 * whose name is in use gives way. This file keeps the list; it does no I/O.
 */
#ifndef SLUICE_CLIENT_PRESENCE_H
#define SLUICE_CLIENT_PRESENCE_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRESENCE_SUFFIX "/presence"

enum {
    PRESENCE_NAME_MAX = 32, /* bytes of a name, and of an identity */
    PRESENCE_PEOPLE_MAX = 64,
    PRESENCE_BEAT_MS = 15000,
    PRESENCE_LOST_MS = 3 * PRESENCE_BEAT_MS,
    PRESENCE_MESSAGE_BYTES = 2 * PRESENCE_NAME_MAX + 16,
};

/* Letters, digits, '-', '_' and '.'. */
struct presence_id {
    char text[PRESENCE_NAME_MAX + 1];
};

struct presence_person {
    struct presence_id name, id; /* id: "" when it has none */
    int64_t heard_ms;
};

struct presence {
    struct presence_person self; /* heard_ms: when it last said "here" */
    int64_t settled_ms; /* a name in use is a reason to give way until then */
    size_t count;       /* of the others; more than fit are not kept */
    struct presence_person all[PRESENCE_PEOPLE_MAX];
};

enum presence_change {
    PRESENCE_NOTHING,
    PRESENCE_CAME,
    PRESENCE_WAS_HERE, /* before us */
    PRESENCE_LEFT,
    PRESENCE_LOST,
    PRESENCE_TAKEN, /* our name is in use: give way */
};

struct presence_news {
    enum presence_change change;
    struct presence_id name; /* of the person; "" when NOTHING */
    bool must_answer;        /* by saying "here" */
};

/* Whether `text` may be a name. */
bool presence_is_name(const char *text);

/* Nobody is known yet. The name is one; `identity` makes it different from
 * others. Milliseconds are of any clock that goes forward; our name is tried
 * for `trial_ms`. */
void presence_init(struct presence *p, const char *name, uint64_t identity,
                   int64_t now_ms, int64_t trial_ms);

/* Writes the message for a word. */
void presence_write(const struct presence *p, const char *word,
                    char out[PRESENCE_MESSAGE_BYTES]);

/* What a message of the topic changes. Ours, and what is no such message,
 * change nothing. */
struct presence_news presence_hear(struct presence *p,
                                   struct sluice_bytes message, int64_t now_ms);

/* The next person who has not been heard of for too long; NOTHING when there is
 * none. */
struct presence_news presence_miss(struct presence *p, int64_t now_ms);

/* Whether "here" is due; then the next one is due later. */
bool presence_must_beat(struct presence *p, int64_t now_ms);

/* When one of these two may have something new. */
int64_t presence_due_ms(const struct presence *p);

#endif
