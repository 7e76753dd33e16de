/* SPDX-License-Identifier: MIT
 *
 * handback - the end of a consumer that was given more messages than it used.
 * Those of a queue are published again, on a connection of their own, and so
 * come to the end of the queue; those of a topic are dropped, since others have
 * theirs. What the process holds in memory is one message at a time.
 */
#ifndef SLUICE_CLIENT_HANDBACK_H
#define SLUICE_CLIENT_HANDBACK_H

#include "client/sluice.h"
#include "common/sentence.h"

#include <stdbool.h>
#include <stdint.h>

struct target;

struct handback {
    const struct target *target;
    struct sluice_bytes channel;
    bool is_queue;
    int timeout_ms;      /* for all of it */
    size_t max_frame;    /* bytes */
    uint64_t messages;   /* received by handback_all() and not used */
    bool has_failed;     /* some messages of a queue may be lost ... */
    struct sentence why; /* ... for this reason */
};

/* Says goodbye on `s` and takes care of all that it still receives: waits until
 * the broker closes, or the time is up. The first five fields are set, the
 * others zero. */
void handback_all(struct handback *h, struct sluice *s);

/* Prints what became of the messages on standard error, if there were any;
 * when `is_quiet`, only what failed. False when it failed. */
bool handback_report(const struct handback *h, bool is_quiet);

/* Prints how many messages of topics had come, and were not used. */
void handback_report_unused(uint64_t messages);

#endif
