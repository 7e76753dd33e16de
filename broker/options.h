/* SPDX-License-Identifier: MIT
 *
 * options - what sluiced can be told, as a table of rows: adding one is a row
 * and a field. The rows make --help, too.
 */
#ifndef SLUICE_BROKER_OPTIONS_H
#define SLUICE_BROKER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/rules.h"

enum { OPTIONS_LISTEN_MAX = 16 };

struct options {
    const char *listen[OPTIONS_LISTEN_MAX]; /* borrowed from argv */
    size_t listen_count;
    struct rules rules;       /* for channels, finished */
    uint64_t memory;          /* bytes */
    uint64_t max_frame;       /* bytes */
    uint64_t client_limit;    /* bytes */
    uint64_t patience;        /* ms */
    uint64_t prefetch;        /* bytes */
    uint64_t queue_limit;     /* bytes */
    uint64_t max_connections; /* 0: what the system allows */
    uint64_t hello_timeout;   /* ms */
    uint64_t frame_timeout;   /* ms */
    uint64_t drain_timeout;   /* ms */
    uint64_t log_level;       /* enum log_level */
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* help or version was printed to stdout */
    OPTIONS_WRONG, /* one sentence was printed to stderr */
};

/* Fills `o` with the defaults and what argv says; options_fini is always
 * due. */
enum options_result options_parse(struct options *o, int argc, char **argv);

void options_fini(struct options *o);

void options_help(FILE *out);

#endif
