/* SPDX-License-Identifier: MIT
 *
 * reading - the channels that a command reads in version 2, as they are written
 * on its command line: '*' for one segment, '**' at the end for the rest, "%2A"
 * for a star that is part of a name, every other character for itself.
 */
#ifndef SLUICE_CLIENT_READING_H
#define SLUICE_CLIENT_READING_H

#include "client/sluice.h"

struct reading_pattern {
    const char *written;           /* borrowed */
    char text[SLUICE_PATTERN_MAX]; /* as libsluice takes it */
    bool is_queue;                 /* its messages must be acknowledged */
    bool is_exact;                 /* one channel, by its name */
};

struct reading {
    struct reading_pattern *patterns;
    unsigned count;

    /* The message or gap that came last. */
    enum sluice_event_kind kind;
    uint32_t connection;
    uint64_t last, tries;
    uint8_t length;
    char channel[SLUICE_CHANNEL_MAX];
};

/* `channels` are borrowed, each of 1 to SLUICE_CHANNEL_MAX bytes; one that is
 * there twice is taken once. False without memory. */
bool reading_init(struct reading *r, unsigned count, char *const *channels);
void reading_fini(struct reading *r);

/* Several channels, or a wildcard: a message's channel says more than the
 * command line. */
bool reading_has_many(const struct reading *r);

/* Whether messages of any of them must be acknowledged. */
bool reading_has_queues(const struct reading *r);

/* Whether this channel is a queue, whose messages must be acknowledged. */
bool reading_is_queue(const char *channel, size_t length);

/* Subscribes to all of them, with acknowledgements of what queues deliver: up
 * to `credit` messages of each pattern at a time. */
SLUICE_MUST_CHECK enum sluice_error
reading_subscribe(const struct reading *r, struct sluice *s, uint32_t credit,
                  uint32_t wait_ms, int timeout_ms);

/* Prints why reading_subscribe() failed, and returns the exit status. */
int reading_complain(const struct sluice *s, enum sluice_error error);

/* Sets how many messages of queues may be unacknowledged; 0 pauses them. */
SLUICE_MUST_CHECK enum sluice_error reading_set_credit(const struct reading *r,
                                                       struct sluice *s,
                                                       uint32_t credit,
                                                       int timeout_ms);

/* Prints why the broker refused a call; true when that call was one of the
 * subscriptions. */
bool reading_refused(const struct reading *r, const struct sluice_event *e);

/* libsluice makes an event of a message or a gap for each subscription that
 * matches. True when `e` is another one of the event before. To be asked once
 * for each event. */
bool reading_is_copy(struct reading *r, const struct sluice_event *e);

#endif
