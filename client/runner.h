/* SPDX-License-Identifier: MIT
 *
 * runner - runs a shell command once per message, one after another: a job
 * (job.h) that is waited for.
 */
#ifndef SLUICE_CLIENT_RUNNER_H
#define SLUICE_CLIENT_RUNNER_H

#include "client/job.h"

struct runner {
    struct job_plan plan;
    struct sluice_bytes channel; /* borrowed */
    uint64_t runs, failures;
};

/* Runs the command to its end, and reports a stop signal that comes before it.
 * A command that fails is reported on standard error and counted. False, with
 * errno, when it could not be started. */
bool runner_run(struct runner *r, struct sluice_bytes message);

#endif
