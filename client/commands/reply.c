/* SPDX-License-Identifier: MIT
 *
 * sluice reply - answers the requests of a channel with what a command prints.
 */
#include "client/complain.h"
#include "client/worker_options.h"

#include <errno.h>
#include <string.h>

static const struct cli_option reply_options[] = {
    WORKER_OPTIONS_WORK(0),
    WORKER_OPTIONS_CONNECTION(0),
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
    if (error == SLUICE_OK && worker_must_ack(job))
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

static int reply_run(int argc, char **argv)
{
    struct worker_options o = {.command = NULL};
    struct worker_plan plan = {
        .job = {.keeps_output = true},
        .settle = reply_settle,
    };
    int status;
    if (!command_parse(&command_reply, &o, &argc, argv, &status) ||
        !worker_options_apply(&o, &command_reply, argc, argv, &plan, &status))
        return status;
    return worker_options_run(&o, &plan, argv[1]);
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
