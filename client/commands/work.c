/* SPDX-License-Identifier: MIT
 *
 * sluice work - runs a command for each message of a queue, and acknowledges
 * those that it has done.
 */
#include "client/worker_options.h"

#include <string.h>

struct work_options {
    struct worker_options worker;
    struct cli_option_number wait_ms, delay_ms;
};

#define WORK_VALUE(field) offsetof(struct work_options, field)

static const struct cli_option work_options[] = {
    WORKER_OPTIONS_WORK(WORK_VALUE(worker)),
    {"wait", CLI_OPTION_DURATION, WORK_VALUE(wait_ms), "TIME", NULL, NULL, 100,
     86400000, "give a message to another worker after TIME"},
    {"delay", CLI_OPTION_DURATION, WORK_VALUE(delay_ms), "TIME", "10s", NULL, 0,
     3600000, "how long a message waits whose command exits with 75"},
    WORKER_OPTIONS_CONNECTION(WORK_VALUE(worker)),
    {.name = NULL},
};

static enum sluice_error work_settle(struct worker *w, struct job *job,
                                     int status)
{
    if (status != 0)
        return worker_give_back(w, job, status);
    return sluice_ack(w->s, &job->delivery, 0, WORKER_SAY_MS);
}

static int work_run(int argc, char **argv)
{
    struct work_options o = {.wait_ms = {.value = 0}};
    struct worker_plan plan = {.settle = work_settle};
    int status;
    if (!command_parse(&command_work, &o, &argc, argv, &status) ||
        !worker_options_apply(&o.worker, &command_work, argc, argv, &plan,
                              &status))
        return status;
    if (!reading_is_queue(argv[1], strlen(argv[1])))
        return command_misused(
            &command_work, "only the messages of a queue can be acknowledged; "
                           "for a topic use 'sluice listen --exec'");
    plan.wait_ms = (uint32_t)o.wait_ms.value;
    plan.delay_ms = (uint32_t)o.delay_ms.value;
    return worker_options_run(&o.worker, &plan, argv[1]);
}

const struct command command_work = {
    .name = "work",
    .arguments = "QUEUE --exec COMMAND",
    .summary = "Do the jobs of a queue, and acknowledge them",
    .details =
        "'sh -c COMMAND' runs for each message, which is its standard input.\n"
        "$SLUICE_CHANNEL, $SLUICE_SEQ and $SLUICE_TRY describe the message, "
        "and\n"
        "$SLUICE_H_NAME is its header NAME. A command that exits with 0 has\n"
        "done its job. One that exits with 75 wants it again after --delay, "
        "any\n"
        "other status after a second. A message whose worker dies goes to\n"
        "another one at once: no job is lost, and one may be done twice.\n"
        "\n"
        "SIGINT or SIGTERM takes no more messages, and ends it when those "
        "that\n"
        "are being worked on are done. The exit status is 1 when a command\n"
        "failed, with a status other than 75.\n"
        "\n"
        "  sluice work /queue/pictures --exec ./resize.sh --jobs 4\n",
    .options = work_options,
    .run = work_run,
};
