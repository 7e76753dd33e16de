/* SPDX-License-Identifier: MIT
 *
 * job - a shell command that runs for one message, beside others. The message
 * is its standard input; $SLUICE_CHANNEL, $SLUICE_SEQ, $SLUICE_TRY and, for
 * each header, $SLUICE_H_ with its name describe it ('-' and '.' become '_').
 */
#ifndef SLUICE_CLIENT_JOB_H
#define SLUICE_CLIENT_JOB_H

#include "client/sluice.h"

#include <sys/types.h>

struct job {
    int fd;     /* readable when it has ended; -1: there is no job */
    int output; /* a file with what it printed; -1: it prints to ours */
    pid_t pid;
    struct sluice_delivery delivery;
};

/* Starts `sh -c COMMAND` for a message; with its output in a file if
 * `keeps_output`. False, with errno. */
bool job_start(struct job *job, const char *command,
               const struct sluice_event *message, bool keeps_output);

/* After it has ended: frees what it had but for its output, and returns its
 * exit status, as a shell does: 128 and the number of the signal that ended it.
 */
int job_end(struct job *job);

/* What it printed, to be freed by job_free_output(), and closes the file. NULL
 * data, with errno, when it cannot be read. */
struct sluice_bytes job_take_output(struct job *job);

/* Frees it; NULL data is allowed. */
void job_free_output(struct sluice_bytes output);

#endif
