/* SPDX-License-Identifier: MIT
 *
 * worker - runs a command for each message of some channels, several at a time,
 * and settles each message by how its command ended. What `sluice work`,
 * `sluice reply` and `sluice listen --exec` share.
 */
#ifndef SLUICE_CLIENT_WORKER_H
#define SLUICE_CLIENT_WORKER_H

#include "client/job.h"
#include "client/news.h"
#include "client/reading.h"

struct worker;

struct worker_plan {
    struct reading *reading; /* borrowed */
    struct news *news;       /* borrowed */
    struct job_plan job;
    int timeout_ms;    /* to connect, and for the goodbye */
    uint32_t jobs;     /* at a time, 1 to WORKER_JOBS_MAX */
    uint32_t wait_ms;  /* of the subscriptions to queues; 0: none */
    uint32_t delay_ms; /* of a message whose command asks for one */
    uint64_t count;    /* messages after which it ends; 0: never */

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
    struct sluice *s; /* borrowed; open */
    struct job *jobs; /* plan.jobs of them */
    int *fds;         /* of those that run */
    uint32_t running;
    uint64_t done;     /* messages that were settled */
    uint64_t failures; /* of their commands */
    uint64_t unused;   /* messages of topics that came after its end */
    uint32_t credit;   /* of each subscription to a queue */
    bool is_leaving;   /* takes no more messages */
    bool has_backlog;  /* libsluice keeps no more events */
};

/* Subscribes on an open handle, and works until the count is reached, a stop
 * signal comes, or the connection has ended for good. Returns the exit status,
 * and *unused, the number of messages that came and that no other reader will
 * get in place of this one; `unused` may be NULL. */
int worker_run(const struct worker_plan *plan, struct sluice *s,
               uint64_t *unused);

/* Whether the job's message is of a queue, and must be acknowledged. */
bool worker_must_ack(const struct job *job);

/* The command failed: reports that, and returns the message to its queue after
 * the plan's delay, if it asked for one by status 75, else soon. */
enum sluice_error worker_give_back(struct worker *w, const struct job *job,
                                   int status);

#endif
