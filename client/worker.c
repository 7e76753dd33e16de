/* SPDX-License-Identifier: MIT */
#include "client/worker.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/opened.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
    WORKER_NO_TOKEN = INT32_MAX, /* of no call: to wait for nothing */
    WORKER_SOON_MS = 1000,
};

/* What to do after a step. */
enum worker_step { WORKER_GO, WORKER_DONE, WORKER_FAILED };

/* --- settling ------------------------------------------------------------ */

bool worker_must_ack(const struct job *job)
{
    return reading_is_queue(job->delivery.channel,
                            job->delivery.channel_length);
}

enum sluice_error worker_give_back(struct worker *w, const struct job *job,
                                   int status)
{
    bool is_later = status == EX_TEMPFAIL;
    w->failures += !is_later;
    if (!is_later)
        job_report_failure(job->delivery.seq, status);
    if (!worker_must_ack(job))
        return SLUICE_OK;
    return sluice_nak(
        w->s, &job->delivery, is_later ? w->plan.delay_ms : WORKER_SOON_MS,
        sluice_text(is_later ? "later" : "failed"), 0, WORKER_SAY_MS);
}

/* A window that the last messages fill exactly, so that none is taken that will
 * not be worked on. */
static enum sluice_error worker_narrow(struct worker *w)
{
    uint64_t left = w->plan.count - w->done;
    if (w->plan.count == 0 || left >= w->credit)
        return SLUICE_OK;
    w->credit = (uint32_t)left;
    return reading_set_credit(w->plan.reading, w->s, w->credit, WORKER_SAY_MS);
}

static enum worker_step worker_settle(struct worker *w, struct job *job)
{
    int status = job_end(job);
    w->running--;
    w->done++;
    enum sluice_error error = worker_narrow(w);
    if (error == SLUICE_OK)
        error = w->plan.settle(w, job, status);
    if (error == SLUICE_GONE)
        complain(EXIT_DONE,
                 "message %" PRIu64
                 " came on a connection that has ended; it may be worked on"
                 " again",
                 job->delivery.seq);
    else if (error != SLUICE_OK) {
        complain(EXIT_FAILED, "%s", sluice_error_detail(w->s));
        return WORKER_FAILED;
    }
    return w->done == w->plan.count ? WORKER_DONE : WORKER_GO;
}

/* Those commands that have ended. */
static enum worker_step worker_settle_all(struct worker *w)
{
    enum worker_step step = WORKER_GO;
    for (uint32_t i = 0; i < w->plan.jobs && step == WORKER_GO; i++) {
        struct pollfd ended = {.fd = w->jobs[i].fd, .events = POLLIN};
        if (ended.fd >= 0 && poll(&ended, 1, 0) > 0)
            step = worker_settle(w, &w->jobs[i]);
    }
    return step;
}

/* --- messages ------------------------------------------------------------ */

static enum worker_step worker_start(struct worker *w,
                                     const struct sluice_event *e)
{
    uint32_t i = 0;
    while (w->jobs[i].fd >= 0)
        i++;
    if (!job_start(&w->jobs[i], &w->plan.job, e)) {
        complain(EXIT_FAILED, "cannot run a command: %s", strerror(errno));
        return WORKER_FAILED;
    }
    w->running++;
    news_on_message(w->plan.news);
    return WORKER_GO;
}

/* Those that run are the last. */
static bool worker_has_enough(const struct worker *w)
{
    return w->plan.count > 0 && w->done + w->running >= w->plan.count;
}

static enum worker_step worker_on_event(struct worker *w,
                                        const struct sluice_event *e)
{
    if (reading_is_copy(w->plan.reading, e))
        return WORKER_GO;
    if (e->kind == SLUICE_EVENT_FAILED)
        return reading_refused(w->plan.reading, e) ? WORKER_FAILED : WORKER_GO;
    if (e->kind != SLUICE_EVENT_MESSAGE)
        news_take(w->plan.news, e);
    else if (!w->is_leaving && !worker_has_enough(w))
        return worker_start(w, e);
    else
        w->unused += !reading_is_queue(e->channel.data, e->channel.length);
    return WORKER_GO;
}

/* --- waiting ------------------------------------------------------------- */

/* As many commands run as may. What arrives is kept, which answers the broker,
 * until there is too much of it. */
static enum sluice_error worker_wait_busy(struct worker *w, unsigned count)
{
    const struct sluice_event *none;
    enum sluice_error error =
        w->has_backlog
            ? SLUICE_BACKLOG
            : sluice_await(w->s, WORKER_NO_TOKEN, &none, SLUICE_NO_WAIT);
    w->has_backlog = error == SLUICE_BACKLOG;
    struct pollfd waiting[2 + WORKER_JOBS_MAX] = {
        {.fd = w->has_backlog ? -1 : sluice_fd(w->s),
         .events = sluice_events(w->s)},
        {.fd = w->is_leaving ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    for (unsigned i = 0; i < count; i++)
        waiting[2 + i] = (struct pollfd){.fd = w->fds[i], .events = POLLIN};
    int wait_ms = sluice_wait_ms(w->s); /* 0: something is kept */
    if (error == SLUICE_AGAIN || error == SLUICE_BACKLOG)
        (void)poll(waiting, count + 2, wait_ms > 0 ? wait_ms : -1);
    return error == SLUICE_BACKLOG ? SLUICE_AGAIN : error;
}

static enum worker_step worker_wait(struct worker *w)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < w->plan.jobs; i++)
        if (w->jobs[i].fd >= 0)
            w->fds[count++] = w->jobs[i].fd;
    const struct sluice_event *e = NULL;
    enum sluice_error error;
    if (w->running == w->plan.jobs) {
        error = worker_wait_busy(w, count);
    } else {
        w->has_backlog = false;
        int64_t due_ms = news_due_ms(w->plan.news);
        error = opened_next(w->s, &e, w->fds, count,
                            due_ms < 0 ? -1 : sluice_deadline_left(due_ms),
                            w->is_leaving);
        news_on_time(w->plan.news);
    }
    if (error == SLUICE_OK)
        return e ? worker_on_event(w, e) : WORKER_GO;
    if (error == SLUICE_AGAIN || error == SLUICE_INTERRUPTED)
        return WORKER_GO;
    complain(EXIT_FAILED, "%s", sluice_error_detail(w->s));
    return WORKER_FAILED;
}

/* No more messages, but those that are worked on are finished. */
static void worker_leave(struct worker *w)
{
    w->is_leaving = true;
    if (w->running > 0)
        job_report_stop(w->running);
    enum sluice_error error =
        reading_set_credit(w->plan.reading, w->s, 0, SLUICE_NO_WAIT);
    (void)error; /* without a connection there is nothing to pause */
}

static enum worker_step worker_work(struct worker *w)
{
    enum worker_step step = WORKER_GO;
    while (step == WORKER_GO && !(w->is_leaving && w->running == 0)) {
        if (stop_signal_came() && !w->is_leaving)
            worker_leave(w);
        else
            step = worker_wait(w);
        if (step == WORKER_GO)
            step = worker_settle_all(w);
    }
    return step == WORKER_GO ? WORKER_DONE : step;
}

/* --- life ---------------------------------------------------------------- */

static enum sluice_error worker_subscribe(struct worker *w)
{
    const struct worker_plan *plan = &w->plan;
    w->credit = plan->jobs;
    if (plan->count > 0 && plan->count < w->credit)
        w->credit = (uint32_t)plan->count;
    return reading_subscribe(plan->reading, w->s, w->credit, plan->wait_ms,
                             plan->timeout_ms);
}

/* Says goodbye, and takes what still comes until the broker has answered. When
 * there is no connection, nothing is left to be said. */
static enum sluice_error worker_close(struct worker *w)
{
    sluice_deadline deadline = sluice_deadline_in(w->plan.timeout_ms);
    const struct sluice_event *e;
    w->is_leaving = true;
    enum sluice_error error = sluice_goodbye(w->s);
    if (error != SLUICE_OK)
        return SLUICE_OK;
    while (error == SLUICE_OK || error == SLUICE_INTERRUPTED) {
        int left = sluice_deadline_left(deadline);
        error = left > 0 ? sluice_next(w->s, &e, left) : SLUICE_TIMEOUT;
        if (error == SLUICE_OK && e->kind == SLUICE_EVENT_MESSAGE)
            (void)worker_on_event(w, e);
    }
    return error == SLUICE_CLOSED ? SLUICE_OK : error;
}

static int worker_end(struct worker *w, enum worker_step step)
{
    for (uint32_t i = 0; i < w->plan.jobs; i++)
        if (w->jobs[i].fd >= 0)
            (void)job_end(&w->jobs[i]);
    if (step == WORKER_FAILED)
        return EXIT_FAILED;
    enum sluice_error error = worker_close(w);
    if (error == SLUICE_TIMEOUT)
        return complain(EXIT_FAILED, "the broker did not say goodbye in time");
    if (error != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(w->s));
    return w->failures > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int worker_begin(struct worker *w)
{
    enum sluice_error error = worker_subscribe(w);
    if (error != SLUICE_OK)
        return reading_complain(w->s, error);
    return worker_end(w, worker_work(w));
}

int worker_run(const struct worker_plan *plan, struct sluice *s,
               uint64_t *unused)
{
    struct worker w = {.plan = *plan, .s = s};
    w.jobs = calloc(plan->jobs, sizeof *w.jobs);
    w.fds = calloc(plan->jobs, sizeof *w.fds);
    int status;
    for (uint32_t i = 0; w.jobs && i < plan->jobs; i++)
        w.jobs[i].fd = -1;
    if (!w.jobs || !w.fds)
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    else
        status = worker_begin(&w);
    if (unused)
        *unused = w.unused;
    free(w.jobs);
    free(w.fds);
    return status;
}
