/* SPDX-License-Identifier: MIT
 *
 * monitor - the collector: one loop over feeds and a web server.
 */
#ifndef SLUICE_CLIENT_MONITOR_MONITOR_H
#define SLUICE_CLIENT_MONITOR_MONITOR_H

#include "client/monitor/feed.h"

enum { MONITOR_FEEDS_MAX = 34 };

struct monitor_setup {
    const char *http;
    const char *const *names; /* HTTP may be asked by */
    size_t name_count;
    size_t feed_count;
    struct feed_setup feed[MONITOR_FEEDS_MAX];
};

/* Runs until a stop signal; returns the exit status. What is wrong it tells on
 * standard error, and where it can be looked at on standard output. */
int monitor_run(const struct monitor_setup *setup);

#endif
