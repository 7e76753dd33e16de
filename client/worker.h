/* SPDX-License-Identifier: MIT
 *
 * worker - runs a command for each message of a channel, several at a time, and
 * settles each message by how its command ended. What `sluice work` and `sluice
 * reply` share.
 */
#ifndef SLUICE_CLIENT_WORKER_H
#define SLUICE_CLIENT_WORKER_H

#include "client/job.h"
#include "client/sluice.h"

struct worker;

struct worker_plan {
    const char *server, *channel; /* borrowed */
    struct job_plan job;
    int timeout_ms;    /* to connect, and for the goodbye */
    uint32_t jobs;     /* at a time, 1 to WORKER_JOBS_MAX */
    uint32_t wait_ms;  /* of the subscription; 0: none */
    uint32_t delay_ms; /* of a message whose command asks for one */
    uint64_t count;    /* messages after which it ends; 0: never */
    bool acks;         /* the channel is a queue */
    bool reconnects;
    bool is_quiet; /* about connections */

    /* A command has ended with `status`, as job_end() returns it: says so to
     * the broker. */
    enum sluice_error (*settle)(struct worker *w, struct job *job, int status);
};

enum {
    WORKER_JOBS_MAX = 1000,
    WORKER_SAY_MS = 60000, /* to send a unit */
};

struct worker {
    struct worker_plan plan;
    struct sluice *s;
    struct job *jobs; /* plan.jobs of them */
    int *fds;         /* of those that run */
    uint32_t running;
    uint64_t done;     /* messages that were settled */
    uint64_t failures; /* of their commands */
    uint32_t credit;   /* of the subscription */
    bool is_leaving;   /* takes no more messages */
    bool has_backlog;  /* libsluice keeps no more events */
};

/* Works until the count is reached, a stop signal comes, or the connection has
 * ended for good; returns the exit status. */
int worker_run(const struct worker_plan *plan);

/* The command failed: reports that, and returns the message to its queue after
 * the plan's delay, if it asked for one by status 75, else soon. */
enum sluice_error worker_give_back(struct worker *w, const struct job *job,
                                   int status);

#endif
