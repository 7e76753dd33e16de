/* SPDX-License-Identifier: MIT */
#include "client/worker.h"

#include "client/channel_hint.h"
#include "client/complain.h"
#include "client/opened.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
    WORKER_TOKEN = 1,    /* of the subscription */
    WORKER_NO_TOKEN = 2, /* of no call: to wait for nothing */
    WORKER_SOON_MS = 1000,
};

/* What to do after a step. */
enum worker_step { WORKER_GO, WORKER_DONE, WORKER_FAILED };

/* --- settling ------------------------------------------------------------ */

enum sluice_error worker_give_back(struct worker *w, const struct job *job,
                                   int status)
{
    bool is_later = status == EX_TEMPFAIL;
    w->failures += !is_later;
    if (!is_later)
        job_report_failure(job->delivery.seq, status);
    if (!w->plan.acks)
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
    if (w->plan.count == 0 || !w->plan.acks || left >= w->credit)
        return SLUICE_OK;
    w->credit = (uint32_t)left;
    return sluice_credit(w->s, sluice_text(w->plan.channel), w->credit, 0,
                         WORKER_SAY_MS);
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
    return WORKER_GO;
}

static enum worker_step worker_on_failed(const struct sluice_event *e)
{
    complain(EXIT_FAILED, "the broker refused: %s%s%.*s", e->reason,
             e->body.length > 0 ? ": " : "", (int)e->body.length,
             (const char *)e->body.data);
    return e->token == WORKER_TOKEN ? WORKER_FAILED : WORKER_GO;
}

static enum worker_step worker_on_event(struct worker *w,
                                        const struct sluice_event *e)
{
    if (e->kind == SLUICE_EVENT_MESSAGE && !w->is_leaving)
        return worker_start(w, e);
    if (e->kind == SLUICE_EVENT_FAILED)
        return worker_on_failed(e);
    if (!w->plan.is_quiet)
        opened_report(e, w->plan.server, w->plan.reconnects);
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
    struct pollfd waiting[WORKER_JOBS_MAX + 1] = {
        {.fd = w->has_backlog ? -1 : sluice_fd(w->s),
         .events = sluice_events(w->s)}};
    for (unsigned i = 0; i < count; i++)
        waiting[i + 1] = (struct pollfd){.fd = w->fds[i], .events = POLLIN};
    int wait_ms = sluice_wait_ms(w->s); /* 0: something is kept */
    if (error == SLUICE_AGAIN || error == SLUICE_BACKLOG)
        (void)poll(waiting, count + 1, wait_ms > 0 ? wait_ms : -1);
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
        error = opened_next(w->s, &e, w->fds, count, -1, w->is_leaving);
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
    if (!w->plan.acks)
        return;
    enum sluice_error error =
        sluice_credit(w->s, sluice_text(w->plan.channel), 0, 0, SLUICE_NO_WAIT);
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
    struct sluice_subscription how = {.size = sizeof how};
    w->credit = w->plan.jobs;
    if (w->plan.count > 0 && w->plan.count < w->credit)
        w->credit = (uint32_t)w->plan.count;
    if (w->plan.acks) {
        how.acks = true;
        how.credit = w->credit;
        how.wait_ms = w->plan.wait_ms;
    }
    return sluice_subscribe_to(w->s, sluice_text(w->plan.channel), &how,
                               WORKER_TOKEN, w->plan.timeout_ms);
}

static int worker_end(struct worker *w, enum worker_step step)
{
    for (uint32_t i = 0; i < w->plan.jobs; i++)
        if (w->jobs[i].fd >= 0)
            (void)job_end(&w->jobs[i]);
    if (step == WORKER_FAILED)
        return EXIT_FAILED;
    if (sluice_close(w->s, w->plan.timeout_ms) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(w->s));
    return w->failures > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int worker_start_and_work(struct worker *w)
{
    int status;
    const struct sluice_event *e;
    if (!strchr(w->plan.channel, '*')) /* wildcards are meant here */
        channel_hint_print(w->plan.channel, CHANNEL_SUBSCRIBE);
    if (!opened_begin(w->s, w->plan.server, w->plan.timeout_ms,
                      w->plan.reconnects, &status))
        return status;
    if (sluice_next(w->s, &e, SLUICE_NO_WAIT) != SLUICE_OK || /* OPEN */
        worker_subscribe(w) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(w->s));
    return worker_end(w, worker_work(w));
}

int worker_run(const struct worker_plan *plan)
{
    struct worker w = {.plan = *plan, .s = sluice_new()};
    w.jobs = calloc(plan->jobs, sizeof *w.jobs);
    w.fds = calloc(plan->jobs, sizeof *w.fds);
    int status;
    if (!w.s || !w.jobs || !w.fds || !stop_signal_init()) {
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    } else {
        for (uint32_t i = 0; i < plan->jobs; i++)
            w.jobs[i].fd = -1;
        status = worker_start_and_work(&w);
    }
    sluice_free(w.s);
    free(w.jobs);
    free(w.fds);
    return status;
}
