/* SPDX-License-Identifier: MIT
 *
 * runner - runs a shell command once per message, one after another, with the
 * message on its standard input and the channel in $SLUICE_CHANNEL.
 */
#ifndef SLUICE_CLIENT_RUNNER_H
#define SLUICE_CLIENT_RUNNER_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>

struct runner {
    const char *command;
    uint64_t runs, failures;
};

/* Sets $SLUICE_CHANNEL of this process; false, with errno, without memory. */
bool runner_init(struct runner *r, const char *command, const char *channel);

/* Runs the command to its end. A command that fails is reported on standard
 * error and counted. False, with errno, when it could not be started. */
bool runner_run(struct runner *r, struct sluice_bytes message);

#endif
