/* SPDX-License-Identifier: MIT
 *
 * collector - what `sluice monitor` runs: one loop over receivers and an HTTP
 * server.
 */
#ifndef SLUICE_CLIENT_MONITOR_COLLECTOR_H
#define SLUICE_CLIENT_MONITOR_COLLECTOR_H

#include "client/cli_option.h"
#include "client/monitor/receiver.h"
#include "client/target.h"

enum {
    COLLECTOR_INLETS_MAX = 2 + 2 * CLI_OPTION_TEXTS_MAX, /* as options allow */
};

struct collector_setup {
    const char *http; /* an address, and words: see web_door.h */
    const char *certificate, *key, *users; /* files of the page; NULL: none */
    const char *const *names;              /* good in Host, beside addresses */
    size_t name_count;
    size_t receiver_count;
    struct receiver_setup receiver[COLLECTOR_INLETS_MAX];
    size_t document_count;
    const char *documents[CLI_OPTION_TEXTS_MAX]; /* URLs of brokers' --http, */
    const struct target *target; /* asked with these options, but its server */
    const char *server;    /* whose local feed is watched, if it has one on this
                              machine; NULL: none */
    const char *reporters; /* file of the public keys of those that may report;
                              NULL: nobody is asked */
    int64_t max_bytes;     /* of a part from there */
};

/* Runs until a stop signal; returns the exit status. Writes to standard output
 * where the page is, and errors to standard error. */
int collector_run(const struct collector_setup *setup);

#endif
