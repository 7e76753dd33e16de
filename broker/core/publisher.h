/* SPDX-License-Identifier: MIT
 *
 * publisher - a client that may have to wait, at the gate of every full
 * channel that it published to in one read: if it waited at one only, it
 * would be admitted there and go on filling the others.
 */
#ifndef SLUICE_CORE_PUBLISHER_H
#define SLUICE_CORE_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct turn;
struct wait;

enum {
    /* Gates one publisher waits at, at most. */
    PUBLISHER_WAITS_MAX = 64,
};

struct publisher {
    struct wait *first; /* where it waits; NULL when nowhere */
    uint64_t messages_in;
    uint16_t wait_count;
    uint8_t kind;     /* for the owner */
    bool is_line : 1; /* parked messages for one channel wait, and no client */
    bool is_durable : 1; /* for the owner: has published to a durable queue */
    uint32_t bytes_in;   /* of whole messages; UINT32_MAX: as many or more; of a
                            line, its own */
};

/* Waits nowhere and has published nothing. */
void publisher_init(struct publisher *p);

/* False once it has been admitted everywhere, even if not resumed yet. */
bool publisher_is_waiting(const struct publisher *p);

/* The channel it waits for: of several, one that is full, rather than one where
 * others are ahead of it. NULL when it waits nowhere. */
const struct channel *publisher_waits_for(const struct publisher *p);

/* Whether one of the channels it waits for is such. */
bool publisher_waits_for_such(const struct publisher *p,
                              bool (*is_such)(const struct channel *ch));

/* Joins the line at the channel's gate, once, at its end or in front. Without
 * memory for that it does not wait. */
void publisher_wait(struct publisher *p, struct channel *ch, bool is_first);

/* It waits no longer, wherever it did; harmless if it did not. */
void publisher_forget(struct publisher *p);

/* Admits the first in the line at the channel's gate. It is to be resumed when
 * it has been admitted everywhere. False when none waits. */
bool publisher_admit(struct channel *ch);

struct publisher_line {
    uint64_t count;
    uint64_t parked_bytes;
};

/* Those in line at a channel's gate; takes time for each. */
struct publisher_line publisher_line(const struct channel *ch);

/* The next in the turn's list of those to be resumed, NULL when there is
 * none. */
struct publisher *publisher_next_resumed(struct turn *t);

#endif
