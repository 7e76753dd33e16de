/* SPDX-License-Identifier: MIT
 *
 * taps - the channels that watchers look at, message by message. Each sends at
 * most so many per second; what is left out is counted, and told.
 */
#ifndef SLUICE_MONITOR_TAPS_H
#define SLUICE_MONITOR_TAPS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/list.h"

struct outlet;
struct subject;

#define TAPS_PREFIX "tap."

enum { TAPS_MAX = 64 };

struct taps {
    const struct subject *subject;
    struct outlet *outlet;
    uint64_t per_second; /* of each */
    struct list all;
    size_t count;
};

/* Both are borrowed. */
void taps_init(struct taps *t, const struct subject *subject,
               struct outlet *outlet, uint64_t per_second);

/* Closes all. */
void taps_fini(struct taps *t);

/* `topic` is the prefix and the name of a channel, encoded. Begins to send,
 * unless there are too many already or it names no channel. */
void taps_open(struct taps *t, const char *topic, size_t length);

/* Harmless when there is none. */
void taps_close(struct taps *t, const char *topic, size_t length);

/* Tells what was missed where nothing has come since. */
void taps_tell(struct taps *t);

#endif
