/* SPDX-License-Identifier: MIT */
#include "client/monitor/reporter.h"

#include <stdlib.h>
#include <string.h>

enum { REPORTER_PATIENCE = 3 /* intervals */, REPORTER_INTERVAL_MS = 1000 };

struct reporter *reporter_new(const struct report *r)
{
    struct reporter *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->name = strdup(r->name);
    if (!p->name) {
        free(p);
        return NULL;
    }
    p->is_broker = r->is_of_broker;
    p->interval_ms = REPORTER_INTERVAL_MS;
    past_init(&p->past);
    return p;
}

void reporter_free(struct reporter *p)
{
    for (enum report_kind kind = 0; kind < REPORT_KINDS; kind++) {
        free(p->latest[kind].text);
        json_decref(p->latest[kind].timestamp);
    }
    json_decref(p->stats);
    free(p->name);
    free(p);
}

bool reporter_is(const struct reporter *p, const struct report *r)
{
    return p->is_broker == r->is_of_broker && strcmp(p->name, r->name) == 0;
}

/* A broker that reports here and whose feed is watched is received twice in
 * each interval, at almost the same time. */
static bool reporter_is_twin(const json_t *now, const json_t *last)
{
    double apart = report_number(now, "uptime") - report_number(last, "uptime");
    return apart >= 0 && apart < report_number(now, "interval") / 2 &&
           json_equal(json_object_get(now, "pid"),
                      json_object_get(last, "pid"));
}

static bool reporter_is_repetition(const struct reporter *p,
                                   const struct report *r)
{
    const struct reporter_latest *last = &p->latest[r->kind];
    if (!p->is_broker || !last->text)
        return false;
    if (r->kind == REPORT_STATS)
        return reporter_is_twin(r->document, p->stats);
    return json_equal(last->timestamp,
                      json_object_get(r->document, "timestamp"));
}

/* Brokers say how often they report. For applications it is learnt, beginning
 * with one second; a silence does not count. */
static void reporter_learn_interval(struct reporter *p, const json_t *document,
                                    int64_t now_ms)
{
    double told_ms = 1000 * report_number(document, "interval");
    double gap_ms = (double)(now_ms - p->heard_ms);
    if (told_ms > 0)
        p->interval_ms = told_ms;
    else if (p->heard_ms > 0 && !p->is_silent)
        p->interval_ms += (gap_ms - p->interval_ms) / 4;
    if (told_ms <= 0 && p->interval_ms < REPORTER_INTERVAL_MS)
        p->interval_ms = REPORTER_INTERVAL_MS;
}

/* As text, which takes a tenth of the memory that objects take. Without memory
 * for it, the one before is kept. */
static void reporter_keep_latest(struct reporter *p, const struct report *r)
{
    struct reporter_latest *latest = &p->latest[r->kind];
    char *text = json_dumps(r->document, REPORT_JSON);
    if (!text)
        return;
    free(latest->text);
    json_decref(latest->timestamp);
    latest->text = text;
    latest->timestamp = json_incref(json_object_get(r->document, "timestamp"));
}

static void reporter_take_stats(struct reporter *p, const struct report *r,
                                int64_t now_ms)
{
    reporter_learn_interval(p, r->document, now_ms);
    series_measure(&p->sample, r, p->stats);
    past_put(&p->past, now_ms, &p->sample);
    json_decref(p->stats);
    p->stats = json_incref(r->document);
}

bool reporter_take(struct reporter *p, const struct report *r, int64_t now_ms)
{
    if (reporter_is_repetition(p, r))
        return false;
    if (r->kind == REPORT_STATS)
        reporter_take_stats(p, r, now_ms);
    if (r->kind != REPORT_EVENT)
        reporter_keep_latest(p, r);
    p->heard_ms = now_ms;
    p->is_silent = false;
    return true;
}

bool reporter_check(struct reporter *p, int64_t now_ms)
{
    double silent_ms = (double)(now_ms - p->heard_ms);
    if (p->is_silent || silent_ms <= REPORTER_PATIENCE * p->interval_ms)
        return false;
    p->is_silent = true;
    return true;
}
