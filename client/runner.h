/* SPDX-License-Identifier: MIT
 *
 * runner - runs a shell command once per message, one after another, with the
 * message on its standard input and the channel in $SLUICE_CHANNEL. Each runs
 * in a process group of its own: the first stop signal, even Control-C in a
 * terminal, lets it finish; the second ends it.
 */
#ifndef SLUICE_CLIENT_RUNNER_H
#define SLUICE_CLIENT_RUNNER_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>

struct runner {
    const char *command;
    bool has_newline; /* one follows each message */
    uint64_t runs, failures;
};

/* Without newlines. Sets $SLUICE_CHANNEL of this process and handles SIGCHLD;
 * false, with errno, when the system refuses. */
bool runner_init(struct runner *r, const char *command, const char *channel);

/* Runs the command to its end, and reports a stop signal that comes meanwhile.
 * A command that fails is reported on standard
 * error and counted. False, with errno, when it could not be started. */
bool runner_run(struct runner *r, struct sluice_bytes message);

#endif
