/* SPDX-License-Identifier: MIT */
#include "client/listen/units.h"

#include "client/complain.h"
#include "client/handback.h"
#include "client/worker.h"

#include <inttypes.h>

enum { UNITS_CREDIT = 1, UNITS_LATER_MS = 10000 /* as `sluice work` */ };

static bool units_is_of_queue(const struct sluice_event *e)
{
    return reading_is_queue(e->channel.data, e->channel.length);
}

/* --- printing ------------------------------------------------------------ */

/* Takes an event that is not a message. False: a subscription was refused.
 * After the goodbye the connection ends as it should. */
static bool units_take(struct listening *l, const struct sluice_event *e)
{
    if (e->kind == SLUICE_EVENT_FAILED)
        return !reading_refused(&l->reading, e);
    if (e->kind != SLUICE_EVENT_END || !listening_is_leaving(l))
        news_take(&l->news, e);
    return true;
}

/* After the goodbye, what a queue still sends has gone back to it. */
static bool units_is_unwanted(struct listening *l, const struct sluice_event *e)
{
    return reading_is_copy(&l->reading, e) ||
           (e->kind == SLUICE_EVENT_MESSAGE && units_is_of_queue(e) &&
            listening_is_leaving(l));
}

static enum sluice_error units_next(struct listening *l,
                                    const struct sluice_event **e)
{
    enum sluice_error error;
    while ((error = sluice_next(l->s, e, SLUICE_NO_WAIT)) == SLUICE_OK) {
        if (units_is_unwanted(l, *e))
            continue;
        if ((*e)->kind == SLUICE_EVENT_MESSAGE)
            return SLUICE_OK;
        if (!units_take(l, *e))
            return SLUICE_REFUSED;
    }
    return error;
}

/* No other message may come in place of the last one. */
static enum sluice_error units_acknowledge(struct listening *l,
                                           const struct sluice_event *e,
                                           bool is_last)
{
    enum sluice_error error = SLUICE_OK;
    if (is_last)
        error = reading_set_credit(&l->reading, l->s, 0, WORKER_SAY_MS);
    if (error == SLUICE_OK)
        error = sluice_ack(l->s, &e->delivery, 0, WORKER_SAY_MS);
    return error;
}

/* The output comes first. If the acknowledgement fails, the connection does,
 * and the message comes again. */
static bool units_settle(struct listening *l, const struct sluice_event *e,
                         bool is_last)
{
    if (!units_is_of_queue(e))
        return true;
    if (!printer_flush(&l->printer))
        return false;
    enum sluice_error error;
    do
        error = units_acknowledge(l, e, is_last);
    while (error == SLUICE_INTERRUPTED);
    if (error != SLUICE_OK)
        complain(EXIT_DONE,
                 "message %" PRIu64 " could not be acknowledged, and may come "
                 "again: %s",
                 e->seq, sluice_error_detail(l->s));
    return true;
}

static const struct listening_wire units_wire = {units_next, units_settle};

/* Only the broker's goodbye shows that it has the last acknowledgement. */
static enum listening_step units_leave(struct listening *l,
                                       enum listening_step step)
{
    if (step != LISTENING_DONE || listening_is_leaving(l) ||
        !reading_has_queues(&l->reading) ||
        sluice_close(l->s, l->plan.timeout_ms) == SLUICE_OK)
        return step;
    complain(EXIT_FAILED, "%s; the last message may come again",
             sluice_error_detail(l->s));
    return LISTENING_FAILED;
}

static enum listening_step units_print(struct listening *l)
{
    l->wire = &units_wire;
    enum sluice_error error = reading_subscribe(&l->reading, l->s, UNITS_CREDIT,
                                                0, l->plan.timeout_ms);
    if (error == SLUICE_BAD_CHANNEL) {
        (void)reading_complain(l->s, error);
        return LISTENING_MISUSED;
    }
    if (error != SLUICE_OK)
        return LISTENING_LOST;
    return units_leave(l, listening_serve(l));
}

/* --- running ------------------------------------------------------------- */

/* A message of a queue comes again when its command fails, as with `sluice
 * work`; one of a topic cannot. */
static enum sluice_error units_settle_job(struct worker *w, struct job *job,
                                          int status)
{
    bool is_of_queue = worker_must_ack(job);
    if (status != 0 && is_of_queue)
        return worker_give_back(w, job, status);
    if (status != 0) {
        w->failures++;
        job_report_failure(job->delivery.seq, status);
    }
    return is_of_queue ? sluice_ack(w->s, &job->delivery, 0, WORKER_SAY_MS)
                       : SLUICE_OK;
}

static enum listening_step units_run(struct listening *l)
{
    struct worker_plan plan = {
        .reading = &l->reading,
        .news = &l->news,
        .job = {.command = l->plan.command, .has_newline = l->plan.has_newline},
        .timeout_ms = l->plan.timeout_ms,
        .jobs = UNITS_CREDIT,
        .count = l->plan.count,
        .delay_ms = UNITS_LATER_MS,
        .settle = units_settle_job,
    };
    uint64_t unused = 0;
    int status = worker_run(&plan, l->s, &unused);
    if (l->plan.count == 0 && unused > 0 && !l->plan.is_quiet)
        handback_report_unused(unused);
    if (status == EXIT_USAGE)
        return LISTENING_MISUSED;
    return status == EXIT_DONE ? LISTENING_DONE : LISTENING_FAILED;
}

/* --- both ---------------------------------------------------------------- */

enum listening_step units_serve(struct listening *l)
{
    enum listening_step step = l->plan.command ? units_run(l) : units_print(l);
    news_end(&l->news);
    return step;
}
