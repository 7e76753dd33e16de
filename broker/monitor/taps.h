/* SPDX-License-Identifier: MIT
 *
 * taps - the channels that watchers look at, message by message. Each tap sends
 * a limited number of messages per second; those left out are counted and
 * reported.
 */
#ifndef SLUICE_MONITOR_TAPS_H
#define SLUICE_MONITOR_TAPS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/list.h"

struct pub_socket;
struct broker_view;

#define TAPS_PREFIX "tap."

enum { TAPS_MAX = 64 };

struct taps {
    const struct broker_view *broker;
    struct pub_socket *socket;
    uint64_t per_second; /* messages of each tap */
    struct list all;
    size_t count;
};

/* Both are borrowed. */
void taps_init(struct taps *t, const struct broker_view *broker,
               struct pub_socket *socket, uint64_t per_second);

/* Closes all taps. */
void taps_fini(struct taps *t);

/* `topic` is TAPS_PREFIX and the percent-encoded name of a channel. Starts to
 * send the channel's messages. Refused, with a line in the log, when there are
 * too many taps already or the name is not valid. */
void taps_open(struct taps *t, const char *topic, size_t length);

/* Does nothing when there is no such tap. */
void taps_close(struct taps *t, const char *topic, size_t length);

/* Reports messages left out of taps where no later one carried the count. */
void taps_send_missed(struct taps *t);

#endif
