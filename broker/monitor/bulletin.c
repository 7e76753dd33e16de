/* SPDX-License-Identifier: MIT */
#include "broker/monitor/bulletin.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/base/clock.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/document.h"
#include "broker/monitor/lag.h"
#include "broker/monitor/metrics.h"
#include "broker/monitor/survey.h"

enum { SHARE = 10 }; /* at most one part in so many of the loop's time */

static char unavailable[] = "unavailable\n";

static void on_nothing(void *arg)
{
    (void)arg;
}

void bulletin_init(struct bulletin *b, struct broker_view *broker,
                   struct lag *lag, struct survey *survey)
{
    *b = (struct bulletin){
        .broker = broker,
        .lag = lag,
        .survey = survey,
        .unavailable = {HTTP_UNAVAILABLE, sizeof unavailable - 1, unavailable,
                        .refs = 1},
        .ready = on_nothing,
    };
}

void bulletin_fini(struct bulletin *b)
{
    for (size_t i = 0; i < BULLETIN_TOTAL; i++)
        http_document_unref(b->issues[i].document);
}

/* Each returns false without memory. */

static bool write_metrics(const struct broker_view *broker,
                          const struct survey_result *seen, FILE *out)
{
    metrics_write(broker, seen, out);
    return true;
}

static bool write_stats(const struct broker_view *broker,
                        const struct survey_result *seen, FILE *out)
{
    char *text = document_all(broker, seen);
    fprintf(out, "%s\n", text ? text : "");
    free(text);
    return text != NULL;
}

static bool (*const writers[BULLETIN_TOTAL])(const struct broker_view *,
                                             const struct survey_result *,
                                             FILE *) = {
    [BULLETIN_METRICS] = write_metrics,
    [BULLETIN_STATS] = write_stats,
};

/* NULL without memory. */
static struct http_document *bulletin_write(const struct bulletin *b,
                                            enum bulletin_id id,
                                            const struct survey_result *seen)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    bool ok = writers[id](b->broker, seen, out) && !ferror(out);
    if (fclose(out) == 0 && ok)
        return http_document_new(HTTP_OK, text, length);
    free(text);
    return NULL;
}

static void bulletin_make(struct bulletin *b, enum bulletin_id id,
                          const struct survey_result *seen)
{
    struct bulletin_issue *issue = &b->issues[id];
    uint64_t begun = clock_now_us();
    http_document_unref(issue->document);
    issue->document = bulletin_write(b, id, seen);
    issue->is_awaited = false;
    issue->made_us = clock_now_us();
    issue->cost_us = issue->made_us - begun;
}

static bool is_fresh(const struct bulletin_issue *issue)
{
    uint64_t age_us = clock_now_us() - issue->made_us;
    return issue->document &&
           (age_us < BULLETIN_MS * 1000u || age_us < issue->cost_us * SHARE);
}

struct http_document *bulletin_get(struct bulletin *b, enum bulletin_id id)
{
    struct bulletin_issue *issue = &b->issues[id];
    if (is_fresh(issue))
        return issue->document;
    issue->is_awaited = true;
    survey_start(b->survey, false);
    if (issue->is_awaited)
        return NULL;
    return issue->document ? issue->document : &b->unavailable;
}

void bulletin_publish(struct bulletin *b, const struct survey_result *seen)
{
    bool has_made = false;
    lag_update(b->lag, b->broker->counters);
    broker_view_measure(b->broker);
    for (enum bulletin_id id = 0; id < BULLETIN_TOTAL; id++)
        if (b->issues[id].is_awaited) {
            bulletin_make(b, id, seen);
            has_made = true;
        }
    if (has_made)
        b->ready(b->ready_arg);
}
