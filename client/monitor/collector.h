/* SPDX-License-Identifier: MIT
 *
 * collector - what `sluice monitor` runs: one loop over receivers and an HTTP
 * server.
 */
#ifndef SLUICE_CLIENT_MONITOR_COLLECTOR_H
#define SLUICE_CLIENT_MONITOR_COLLECTOR_H

#include "client/cli_option.h"
#include "client/monitor/receiver.h"

enum {
    COLLECTOR_INLETS_MAX = 2 + 2 * CLI_OPTION_TEXTS_MAX, /* as options allow */
};

struct collector_setup {
    const char *http;
    const char *const *names; /* good in Host, beside addresses */
    size_t name_count;
    size_t receiver_count;
    struct receiver_setup receiver[COLLECTOR_INLETS_MAX];
    const char *server; /* whose local feed is watched, if it has one on this
                           machine; NULL: none */
    int64_t max_bytes;  /* of a part from there */
};

/* Runs until a stop signal; returns the exit status. Writes to standard output
 * where the page is, and errors to standard error. */
int collector_run(const struct collector_setup *setup);

#endif
