/* SPDX-License-Identifier: MIT
 *
 * bulletin - the documents that HTTP clients ask for. All that ask share one:
 * it is made anew only when the last one is BULLETIN_MS old, and ten times the
 * time has passed that making it took.
 */
#ifndef SLUICE_MONITOR_BULLETIN_H
#define SLUICE_MONITOR_BULLETIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http_document.h"

struct broker_view;
struct lag;
struct survey;
struct survey_result;

enum { BULLETIN_MS = 250 };

enum bulletin_id { BULLETIN_METRICS, BULLETIN_STATS, BULLETIN_TOTAL };

struct bulletin {
    struct broker_view *broker;
    struct lag *lag;
    struct survey *survey;
    struct http_document unavailable; /* in place of one, without memory */
    struct bulletin_issue {
        struct http_document *document; /* NULL until the first */
        uint64_t made_us, cost_us;
        bool is_awaited; /* by a client */
    } issues[BULLETIN_TOTAL];
    void (*ready)(void *arg);
    void *ready_arg;
};

/* All pointers are borrowed. */
void bulletin_init(struct bulletin *b, struct broker_view *broker,
                   struct lag *lag, struct survey *survey);
void bulletin_fini(struct bulletin *b);

/* The document, for a client; it belongs to the bulletin. NULL when it waits
 * for a survey: `ready` will be called. */
struct http_document *bulletin_get(struct bulletin *b, enum bulletin_id id);

/* A survey has ended: makes what is awaited, and calls `ready`. */
void bulletin_publish(struct bulletin *b, const struct survey_result *seen);

#endif
