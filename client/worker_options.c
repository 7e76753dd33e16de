/* SPDX-License-Identifier: MIT */
#include "client/worker_options.h"

#include "client/channel_hint.h"
#include "client/complain.h"
#include "client/opened.h"
#include "client/stop_signal.h"

#include <errno.h>
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
    plan->job.command = o->command;
    plan->timeout_ms = (int)o->timeout_ms.value;
    plan->jobs = (uint32_t)o->jobs.value;
    plan->count = o->count.value;
    return true;
}

static int worker_options_open(const struct worker_options *o,
                               const struct worker_plan *plan, struct sluice *s)
{
    int status;
    const struct reading_pattern *channel = plan->reading->patterns;
    if (channel->is_exact) /* wildcards are meant here */
        channel_hint_print(channel->written, CHANNEL_SUBSCRIBE);
    if (sluice_set_max_message(s, SLUICE_MESSAGE_MAX) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(s));
    struct outage *outage = o->no_reconnect ? NULL : &plan->news->outage;
    if (!opened_begin(s, &o->target, plan->timeout_ms, outage, &status))
        return status;
    status = worker_run(plan, s, NULL);
    news_end(plan->news);
    return status;
}

int worker_options_run(const struct worker_options *o, struct worker_plan *plan,
                       char *channel)
{
    struct reading reading;
    struct news news;
    struct sluice *s = sluice_new();
    int status;
    if (reading_init(&reading, 1, &channel) && s && stop_signal_init()) {
        news_init(&news, o->target.server, &reading, !o->no_reconnect,
                  o->is_quiet);
        plan->reading = &reading;
        plan->news = &news;
        status = worker_options_open(o, plan, s);
    } else {
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    }
    reading_fini(&reading);
    sluice_free(s);
    return status;
}
