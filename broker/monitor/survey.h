/* SPDX-License-Identifier: MIT
 *
 * survey - one look at all channels and clients, which the documents about them
 * are made from. With many of them that is much work, so it is done in pieces:
 * SURVEY_PIECE_US, and then a pause of nine times what the piece took. So it
 * never delays the loop by much more than a piece, and takes at most a tenth of
 * its time; a survey of 50,000 channels lasts half a second. With few, the
 * first piece is the whole.
 *
 * Each channel or client is seen as it is at one moment of the survey: the sums
 * are of these moments. Those that come or go meanwhile may be missing.
 */
#ifndef SLUICE_MONITOR_SURVEY_H
#define SLUICE_MONITOR_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/monitor/ranking.h"

struct broker_view;
struct survey;

enum { SURVEY_PIECE_US = 500 };

/* What was seen. */
struct survey_result {
    uint64_t seq;                          /* of the documents of this survey */
    struct ranking_list channels, clients; /* by their recent messages */
    uint64_t channel_count, client_count;
    struct ranking_list steady; /* channels, by all their messages */
};

/* A survey has ended. It may not be started from here. */
typedef void survey_fn(void *arg, const struct survey_result *result,
                       bool is_periodic);

/* Calls `done` at the end of each survey, from the loop or from survey_start.
 * `broker` is borrowed. NULL without memory. */
struct survey *survey_new(struct broker_view *broker, survey_fn *done,
                          void *arg);

/* Ends one that runs. NULL is allowed. */
void survey_free(struct survey *s);

/* Starts a survey; if one is running, that one will do, except for a periodic
 * one: it begins afterwards. Activity from a periodic survey on is `recent` in
 * the next, whichever kind that is. */
void survey_start(struct survey *s, bool is_periodic);

#endif
