/* SPDX-License-Identifier: MIT */
#include "client/worker_options.h"

#include "proto/channel_name.h"

#include <string.h>

bool worker_options_apply(const struct worker_options *o,
                          const struct command *command, int argc, char **argv,
                          struct worker_plan *plan, int *status)
{
    if (!command_has_channel(command, argc, argv, status))
        return false;
    const char *wrong = NULL;
    if (!o->command)
        wrong = "--exec is missing: the command to run for each message";
    else if (argc > 2)
        wrong = "one CHANNEL is enough; start one worker per channel";
    if (wrong) {
        *status = command_misused(command, wrong);
        return false;
    }
    plan->server = o->server;
    plan->channel = argv[1];
    plan->job.command = o->command;
    plan->timeout_ms = (int)o->timeout_ms.value;
    plan->jobs = (uint32_t)o->jobs.value;
    plan->count = o->count.value;
    plan->acks =
        strncmp(argv[1], CHANNEL_NAME_QUEUE, strlen(CHANNEL_NAME_QUEUE)) == 0;
    plan->reconnects = !o->no_reconnect;
    plan->is_quiet = o->is_quiet;
    return true;
}
