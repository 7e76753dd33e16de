/* SPDX-License-Identifier: MIT
 *
 * options - the values of all options, and where each came from. They are
 * filled from the strongest source to the weakest (see sources.h); what a
 * stronger one has set stays.
 */
#ifndef SLUICE_OPTIONS_OPTIONS_H
#define SLUICE_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/options/option_table.h"
#include "broker/options/origin.h"
#include "broker/options/rules.h"

enum { OPTIONS_LIST_MAX = 16 };

struct option_list {
    char *items[OPTIONS_LIST_MAX]; /* owned */
    size_t count;
};

/* A field for each row of option_table.c. */
struct options {
    struct option_list listen;
    struct rules rules; /* for channels, finished */
    uint64_t socket_mode;
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
    uint64_t log_format;      /* enum log_format */
    char *log_file;           /* NULL: stderr */
    struct option_list monitor_connect;
    struct option_list monitor_bind;
    uint64_t monitor_interval; /* ms */
    uint64_t tap_rate;         /* messages per second */
    struct option_list http;
    struct option_list http_host;
    char *name;  /* NULL: derived */
    char *color; /* NULL: derived */

    struct origin origins[OPTION_MAX]; /* by the row's place; not of rules */
};

/* Nothing is set. */
void options_init(struct options *o);
void options_fini(struct options *o);

/* Sets or adds a value, unless a stronger source has spoken; the text is
 * copied. It is judged all the same: false, with one sentence in `error` that
 * begins with `label`, when it is not good. */
bool options_set(struct options *o, const struct option *row, const char *label,
                 const char *text, struct origin origin,
                 char error[MISTAKE_BYTES]);

/* What nobody has set gets its default. Call it once, at the end. False, with
 * one sentence, when there is no memory for that. */
bool options_finish(struct options *o, char error[MISTAKE_BYTES]);

/* Whether nobody has said anything about it. */
static inline bool options_is_default(const struct options *o,
                                      const struct option *row)
{
    return o->origins[option_index(row)].kind == ORIGIN_DEFAULT;
}

/* The longest message that is possible: at most half of the memory. */
uint64_t options_max_frame(const struct options *o);

/* Exchanges a value, and its origin. */
void options_swap(struct options *a, struct options *b,
                  const struct option *row);

/* The value as the command line would take it, for free(3); `between` is put
 * between several. NULL when there is no memory. */
char *options_text(const struct options *o, const struct option *row,
                   const char *between);

#endif
