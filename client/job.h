/* SPDX-License-Identifier: MIT
 *
 * job - a shell command that runs for one message, beside others. The message
 * is its standard input; $SLUICE_CHANNEL, $SLUICE_SEQ, $SLUICE_TRY and, for
 * each header, $SLUICE_H_ with its name describe it ('-' and '.' become '_').
 * Each runs in a process group of its own: the first stop signal, even
 * Control-C in a terminal, lets it finish; the second ends it.
 */
#ifndef SLUICE_CLIENT_JOB_H
#define SLUICE_CLIENT_JOB_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct job_plan {
    const char *command; /* borrowed */
    bool keeps_output;   /* in a file, not printed to ours */
    bool has_newline;    /* one follows the message */
};

struct job {
    int fd;     /* readable when it has ended; -1: there is no job */
    int output; /* a file with what it printed; -1: it prints to ours */
    pid_t pid;
    struct sluice_delivery delivery;
};

/* Starts `sh -c COMMAND` for a message. Without a number, as in version 1, it
 * has neither number nor try. False, with errno. */
bool job_start(struct job *job, const struct job_plan *plan,
               const struct sluice_event *message);

/* After it has ended: frees what it had but for its output, and returns its
 * exit status, or the negative number of the signal that ended it. */
int job_end(struct job *job);

/* Reports on standard error that the command for this message failed, or that
 * the program stops when `running` commands, at least one, have ended. */
void job_report_failure(uint64_t message, int status);
void job_report_stop(unsigned running);

/* What it printed, to be freed by job_free_output(), and closes the file. NULL
 * data, with errno, when it cannot be read. */
struct sluice_bytes job_take_output(struct job *job);

/* Frees it; NULL data is allowed. */
void job_free_output(struct sluice_bytes output);

#endif
