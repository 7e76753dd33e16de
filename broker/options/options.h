/* SPDX-License-Identifier: MIT
 *
 * options - the values of all options, and where each came from. They are
 * filled from the strongest source to the weakest (load.h); a value that a
 * stronger one has set stays.
 */
#ifndef SLUICE_OPTIONS_OPTIONS_H
#define SLUICE_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/options/origin.h"
#include "broker/options/rules.h"

struct mistakes;
struct option;
struct users;

enum { OPTION_TEXTS_MAX = 16 };

enum tls_clients_word { TLS_CLIENTS_REQUIRED, TLS_CLIENTS_OPTIONAL };
enum tls_min_word { TLS_MIN_12, TLS_MIN_13 };

struct option_value {
    struct origin origin; /* of the first, where there are several */
    uint64_t number;      /* or the index of a word */
    size_t count;         /* of texts */
    union {
        char *text; /* NULL: there is none */
        char *texts[OPTION_TEXTS_MAX];
    }; /* owned */
};

/* A field for each row of option_table.c. */
struct options {
    struct rules rules; /* for channels */
    struct option_value listen;
    struct option_value socket_mode;
    struct option_value feed;            /* the same, for watchers */
    struct option_value control;         /* "auto", "off" or an address */
    struct option_value memory;          /* bytes */
    struct option_value max_frame;       /* bytes */
    struct option_value client_limit;    /* bytes */
    struct option_value patience;        /* ms */
    struct option_value prefetch;        /* bytes */
    struct option_value queue_limit;     /* bytes */
    struct option_value max_connections; /* 0: what the system allows */
    struct option_value hello_timeout;   /* ms */
    struct option_value frame_timeout;   /* ms */
    struct option_value drain_timeout;   /* ms */
    struct option_value ping;            /* ms; 0: none */
    struct option_value hold;            /* bytes */
    struct option_value max_subscriptions;
    struct option_value max_requests;
    struct option_value journal;         /* none: nothing is durable */
    struct option_value journal_limit;   /* bytes */
    struct option_value journal_free;    /* bytes */
    struct option_value journal_segment; /* bytes; 0: derived */
    struct option_value users;           /* none: nobody is asked */
    struct option_value tls_cert;        /* none: no TLS */
    struct option_value tls_key;         /* one for each certificate */
    struct option_value tls_ca;          /* none: clients need no certificate */
    struct option_value tls_crl;
    struct option_value tls_clients; /* enum tls_clients_word */
    struct option_value tls_min;     /* enum tls_min_word */
    struct option_value tls_threads;
    struct option_value log_level;  /* enum log_level */
    struct option_value log_format; /* enum log_format */
    struct option_value log_file;   /* none: stderr */
    struct option_value monitor_connect;
    struct option_value monitor_bind;
    struct option_value monitor_json;
    struct option_value monitor_push;
    struct option_value monitor_key;       /* none: not protected */
    struct option_value monitor_clients;   /* the same */
    struct option_value monitor_collector; /* none: reports in clear */
    struct option_value monitor_interval;  /* ms */
    struct option_value tap_rate;          /* messages per second */
    struct option_value http;
    struct option_value http_host;
    struct option_value name;  /* none: derived */
    struct option_value color; /* none: derived */
    struct users *known; /* in the file of `users`; owned; NULL when none */
};

/* Nothing is set. */
void options_init(struct options *o);
void options_fini(struct options *o);

/* Sets or adds a value, unless a stronger source has set one; the text is
 * copied. It is checked in any case: false, with a mistake, when it is not
 * valid. `name` is the option as its source calls it. */
bool options_set(struct options *o, const struct option *row, const char *name,
                 const char *text, struct origin origin, struct mistakes *m);

/* Gives every option that no source has set its default. Call it once, at the
 * end. False, with a mistake, when there is no memory for that. */
bool options_finish(struct options *o, struct mistakes *m);

/* The longest message that is possible: at most half of the memory. */
uint64_t options_max_frame(const struct options *o);

/* The bytes of a segment of the journal: as given, or a part of the limit. */
uint64_t options_journal_segment(const struct options *o);

/* Exchanges a value; not the rules. */
void options_swap(struct options *a, struct options *b,
                  const struct option *row);

/* Where it comes from; not of the rules. */
struct origin options_origin(const struct options *o, const struct option *row);

/* How many values it has: one if it is a number, else as many as were given. */
size_t options_count(const struct options *o, const struct option *row);

/* Writes the i-th value as the command line would take it. */
void options_write(const struct options *o, const struct option *row, size_t i,
                   FILE *out);

#endif
