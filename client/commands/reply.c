/* SPDX-License-Identifier: MIT
 *
 * sluice reply - answers the requests of a channel with what a command prints.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reply_options {
    const char *server, *command;
    struct cli_option_number timeout_ms, jobs, count;
    bool is_quiet, no_reconnect;
};

#define REPLY_VALUE(field) offsetof(struct reply_options, field)

static const struct cli_option reply_options[] = {
    {"server", CLI_OPTION_TEXT, REPLY_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "the broker: host:port, [v6]:port or unix:PATH"},
    {"exec", CLI_OPTION_TEXT, REPLY_VALUE(command), "COMMAND", NULL, NULL, 0, 0,
     "run COMMAND for each request, which is its standard input"},
    {"jobs", CLI_OPTION_COUNT, REPLY_VALUE(jobs), "N", "1", NULL, 1,
     WORKER_JOBS_MAX, "run N commands at a time"},
    {"count", CLI_OPTION_COUNT, REPLY_VALUE(count), "N", NULL, NULL, 1, 0,
     "stop after N requests"},
    {"timeout", CLI_OPTION_DURATION, REPLY_VALUE(timeout_ms), "TIME", "5s",
     NULL, 1, 86400000, "how long connecting, or the goodbye, may take"},
    {"no-reconnect", CLI_OPTION_FLAG, REPLY_VALUE(no_reconnect), NULL, NULL,
     NULL, 0, 0, "exit with 1 when the broker is lost"},
    {"quiet", CLI_OPTION_FLAG, REPLY_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not report lost and regained connections on standard error"},
    {.name = NULL},
};

/* Of a queue, a request is done as soon as it is answered. */
static enum sluice_error reply_send(struct worker *w, const struct job *job,
                                    struct sluice_bytes output)
{
    enum sluice_error error = SLUICE_OK;
    if (job->delivery.reply_length > 0)
        error =
            sluice_reply(w->s, &job->delivery, output, NULL, 0, WORKER_SAY_MS);
    if (error == SLUICE_OK && w->plan.acks)
        error = sluice_ack(w->s, &job->delivery, 0, WORKER_SAY_MS);
    return error;
}

/* A message that is no request has been worked on all the same. */
static enum sluice_error reply_settle(struct worker *w, struct job *job,
                                      int status)
{
    struct sluice_bytes output = job_take_output(job);
    enum sluice_error error;
    if (!output.data)
        complain(EXIT_FAILED, "cannot read what a command printed: %s",
                 strerror(errno));
    if (status == 0 && output.data)
        error = reply_send(w, job, output);
    else
        error = worker_give_back(w, job, status);
    job_free_output(output);
    return error;
}

static const char *reply_wrong(const struct reply_options *o, int argc)
{
    if (!o->command)
        return "--exec is missing: the command that prints the reply";
    return argc > 2 ? "one CHANNEL is enough; start one per channel" : NULL;
}

static int reply_run(int argc, char **argv)
{
    struct reply_options o = {.server = NULL};
    int status;
    if (!command_parse(&command_reply, &o, &argc, argv, &status) ||
        !command_has_channel(&command_reply, argc, argv, &status))
        return status;
    const char *wrong = reply_wrong(&o, argc);
    if (wrong)
        return command_misused(&command_reply, wrong);
    if (!strchr(argv[1], '*')) /* wildcards are meant here */
        channel_hint_print(argv[1], CHANNEL_SUBSCRIBE);
    struct worker_plan plan = {
        .server = o.server,
        .channel = argv[1],
        .command = o.command,
        .timeout_ms = (int)o.timeout_ms.value,
        .jobs = (uint32_t)o.jobs.value,
        .count = o.count.value,
        .acks = strncmp(argv[1], "/queue", 6) == 0,
        .keeps_output = true,
        .reconnects = !o.no_reconnect,
        .is_quiet = o.is_quiet,
        .settle = reply_settle,
    };
    return worker_run(&plan);
}

const struct command command_reply = {
    .name = "reply",
    .arguments = "CHANNEL --exec COMMAND",
    .summary = "Answer requests with what a command prints",
    .details =
        "'sh -c COMMAND' runs for each request, which is its standard input;\n"
        "what it prints is the reply. $SLUICE_CHANNEL and $SLUICE_SEQ "
        "describe\n"
        "the request, and $SLUICE_H_NAME is its header NAME. A command that\n"
        "fails is reported, and sends no reply: on a queue another worker "
        "gets\n"
        "the request, on a topic it times out.\n"
        "\n"
        "  sluice reply /svc/time --exec date\n",
    .options = reply_options,
    .run = reply_run,
};
