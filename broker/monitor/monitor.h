/* SPDX-License-Identifier: MIT
 *
 * monitor - what leaves the broker for those who watch it: reports to ZeroMQ
 * collectors, a feed for ZeroMQ subscribers, HTTP. All of it is off until it
 * is asked for, lives in the broker's loop, and never makes it wait.
 */
#ifndef SLUICE_MONITOR_MONITOR_H
#define SLUICE_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monitor;
struct subject;

enum {
    MONITOR_ERROR_BYTES = 512,
    /* That are kept for HTTP clients, ZeroMQ's own and some watchers. */
    MONITOR_DESCRIPTORS = 64,
};

struct monitor_list {
    char *const *items;
    size_t count;
};

struct monitor_config {
    struct monitor_list connects, binds; /* ZeroMQ endpoints */
    struct monitor_list https, hosts;    /* addresses; names of this server */
    uint64_t taps_per_second;
};

static inline bool monitor_is_wanted(const struct monitor_config *c)
{
    return c->connects.count + c->binds.count + c->https.count > 0;
}

/* Opens all that is wanted. All texts are copied, the rest that `subject`
 * points at is borrowed. NULL with one sentence in `error` when that is not possible. */
struct monitor *monitor_new(const struct monitor_config *config,
                            const struct subject *subject,
                            char error[MONITOR_ERROR_BYTES]);

/* From the next report on. NULL is allowed. */
void monitor_set_interval(struct monitor *m, uint32_t ms);

/* The core must still be there. NULL is allowed. */
void monitor_free(struct monitor *m);

/* The broker has been told to stop: it is not ready any more. */
void monitor_stop(struct monitor *m);

#endif
