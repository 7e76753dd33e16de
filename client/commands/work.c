/* SPDX-License-Identifier: MIT
 *
 * sluice work - runs a command for each message of a queue, and acknowledges
 * those that it has done.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/worker.h"

#include <string.h>

struct work_options {
    const char *server, *command;
    struct cli_option_number timeout_ms, jobs, wait_ms, delay_ms, count;
    bool is_quiet, no_reconnect;
};

#define WORK_VALUE(field) offsetof(struct work_options, field)

static const struct cli_option work_options[] = {
    {"server", CLI_OPTION_TEXT, WORK_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "the broker: host:port, [v6]:port or unix:PATH"},
    {"exec", CLI_OPTION_TEXT, WORK_VALUE(command), "COMMAND", NULL, NULL, 0, 0,
     "run COMMAND for each message, which is its standard input"},
    {"jobs", CLI_OPTION_COUNT, WORK_VALUE(jobs), "N", "1", NULL, 1,
     WORKER_JOBS_MAX, "run N commands at a time"},
    {"wait", CLI_OPTION_DURATION, WORK_VALUE(wait_ms), "TIME", NULL, NULL, 100,
     86400000, "give a message to another worker after TIME"},
    {"delay", CLI_OPTION_DURATION, WORK_VALUE(delay_ms), "TIME", "10s", NULL, 0,
     3600000, "how long a message waits whose command exits with 75"},
    {"count", CLI_OPTION_COUNT, WORK_VALUE(count), "N", NULL, NULL, 1, 0,
     "stop after N messages"},
    {"timeout", CLI_OPTION_DURATION, WORK_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000, "how long connecting, or the goodbye, may take"},
    {"no-reconnect", CLI_OPTION_FLAG, WORK_VALUE(no_reconnect), NULL, NULL,
     NULL, 0, 0, "exit with 1 when the broker is lost"},
    {"quiet", CLI_OPTION_FLAG, WORK_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not report lost and regained connections on standard error"},
    {.name = NULL},
};

static enum sluice_error work_settle(struct worker *w, struct job *job,
                                     int status)
{
    if (status != 0)
        return worker_give_back(w, job, status);
    return sluice_ack(w->s, &job->delivery, 0, WORKER_SAY_MS);
}

static const char *work_wrong(const struct work_options *o, int argc,
                              char **argv)
{
    if (!o->command)
        return "--exec is missing: the command that does the work";
    if (argc > 2)
        return "one CHANNEL is enough; start one worker per queue";
    if (strncmp(argv[1], "/queue", 6) != 0)
        return "only the messages of a queue can be acknowledged; for a topic "
               "use 'sluice listen --exec'";
    return NULL;
}

static int work_run(int argc, char **argv)
{
    struct work_options o = {.server = NULL};
    int status;
    if (!command_parse(&command_work, &o, &argc, argv, &status) ||
        !command_has_channel(&command_work, argc, argv, &status))
        return status;
    const char *wrong = work_wrong(&o, argc, argv);
    if (wrong)
        return command_misused(&command_work, wrong);
    if (!strchr(argv[1], '*')) /* wildcards are meant here */
        channel_hint_print(argv[1], CHANNEL_SUBSCRIBE);
    struct worker_plan plan = {
        .server = o.server,
        .channel = argv[1],
        .command = o.command,
        .timeout_ms = (int)o.timeout_ms.value,
        .jobs = (uint32_t)o.jobs.value,
        .wait_ms = (uint32_t)o.wait_ms.value,
        .delay_ms = (uint32_t)o.delay_ms.value,
        .count = o.count.value,
        .acks = true,
        .reconnects = !o.no_reconnect,
        .is_quiet = o.is_quiet,
        .settle = work_settle,
    };
    return worker_run(&plan);
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
