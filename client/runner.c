/* SPDX-License-Identifier: MIT */
#include "client/runner.h"

#include "client/stop_signal.h"

#include <poll.h>

/* Waits until the command ends or a stop signal comes. */
static bool runner_has_ended(const struct job *job, bool is_stopping)
{
    struct pollfd waiting[] = {
        {.fd = job->fd, .events = POLLIN},
        {.fd = is_stopping ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    return poll(waiting, 2, -1) > 0 && waiting[0].revents != 0;
}

bool runner_run(struct runner *r, struct sluice_bytes message)
{
    struct sluice_event e = {
        .channel = r->channel,
        .body = message,
        .headers = &(struct sluice_header){.name = NULL},
    };
    struct job job;
    if (!job_start(&job, &r->plan, &e))
        return false;
    r->runs++;
    bool is_stopping = false;
    while (!runner_has_ended(&job, is_stopping))
        if (stop_signal_came() && !is_stopping) {
            is_stopping = true;
            job_report_stop(1);
        }
    int status = job_end(&job);
    r->failures += status != 0;
    if (status != 0)
        job_report_failure(r->runs, status);
    return true;
}
