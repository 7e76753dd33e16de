/* SPDX-License-Identifier: MIT
 *
 * monitor - what leaves the broker for its watchers: reports to ZeroMQ
 * collectors, a feed for ZeroMQ subscribers, HTTP. Each is off unless
 * configured, runs in the broker's loop, and never blocks it.
 */
#ifndef SLUICE_MONITOR_MONITOR_H
#define SLUICE_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monitor;
struct broker_view;

enum {
    MONITOR_ERROR_BYTES = 512,
    /* Reserved for HTTP clients, libzmq itself and some watchers. */
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

/* Whether there is anything to open. */
static inline bool monitor_is_configured(const struct monitor_config *c)
{
    return c->connects.count + c->binds.count + c->https.count > 0;
}

/* Opens everything that is configured. Texts are copied; whatever else
 * `broker` points at is borrowed. NULL, with one sentence in `error`, when
 * that is not possible. */
struct monitor *monitor_new(const struct monitor_config *config,
                            const struct broker_view *broker,
                            char error[MONITOR_ERROR_BYTES]);

/* Holds from the next report on. NULL is allowed. */
void monitor_set_interval(struct monitor *m, uint32_t ms);

/* Before the core is freed. NULL is allowed. */
void monitor_free(struct monitor *m);

/* The broker is stopping: /readyz and the documents say so. NULL is allowed. */
void monitor_stop(struct monitor *m);

#endif
