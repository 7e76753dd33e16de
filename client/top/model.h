/* SPDX-License-Identifier: MIT
 *
 * model - one broker as `sluice top` knows it: its totals and its tables. It
 * knows no screen.
 */
#ifndef SLUICE_CLIENT_TOP_MODEL_H
#define SLUICE_CLIENT_TOP_MODEL_H

#include "client/monitor/report.h"
#include "client/top/table.h"

enum model_table { MODEL_CHANNELS, MODEL_CLIENTS, MODEL_USERS, MODEL_TABLES };

struct model {
    json_t *stats;    /* NULL until the first */
    json_t *before;   /* the stats before these; NULL until the second */
    size_t documents; /* of stats received */
    int64_t heard_at; /* when the last came, on the monotonic clock */
    struct table table[MODEL_TABLES];
};

enum { MODEL_LINES = 3, MODEL_LINE_BYTES = 512 };

/* Nothing is known yet. */
void model_init(struct model *m);
void model_fini(struct model *m);

/* Replaces the previous values by those of a document; copies what it keeps. */
void model_take(struct model *m, const struct report *r);

/* How many documents of each kind have come: the least of their numbers. Those
 * about users do not count: older brokers have none. */
size_t model_rounds(const struct model *m);

/* Whether there is anything in it; there are always channels and clients. */
bool model_has(const struct model *m, enum model_table table);

/* The totals in a few lines, escaped for a terminal. */
void model_print_totals(const struct model *m,
                        char line[MODEL_LINES][MODEL_LINE_BYTES]);

/* What is wrong with the journal, or with the worst channel, in a sentence; ""
 * when nothing waits and nothing is lost. */
void model_print_headline(const struct model *m, char out[MODEL_LINE_BYTES]);

/* Milliseconds of silence beyond three intervals; 0: it is not silent. */
int64_t model_silent_ms(const struct model *m);

#endif
