/* SPDX-License-Identifier: MIT
 *
 * collector - what `sluice monitor` runs: one loop over receivers and an HTTP
 * server.
 */
#ifndef SLUICE_CLIENT_MONITOR_COLLECTOR_H
#define SLUICE_CLIENT_MONITOR_COLLECTOR_H

#include "client/monitor/receiver.h"

enum { COLLECTOR_RECEIVERS_MAX = 34 };

struct collector_setup {
    const char *http;
    const char *const *names; /* good in Host, beside addresses */
    size_t name_count;
    size_t receiver_count;
    struct receiver_setup receiver[COLLECTOR_RECEIVERS_MAX];
};

/* Runs until a stop signal; returns the exit status. Writes to standard output
 * where the page is, and errors to standard error. */
int collector_run(const struct collector_setup *setup);

#endif
