/* SPDX-License-Identifier: MIT
 *
 * sluice send - publishes the messages of a source, and ends in order: the
 * broker has read everything when it exits with 0.
 */
#include "client/assured.h"
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/confirmed.h"
#include "client/sender.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct send_options {
    struct target target;
    struct cli_option_number timeout_ms, max_frame, interval_ms, count, size;
    struct cli_option_texts files;
    struct confirmed_options confirmed;
    bool is_verbose, reconnects;
};

#define SEND_VALUE(field) offsetof(struct send_options, field)

static const struct cli_option send_options[] = {
    TARGET_SERVER(SEND_VALUE(target)),
    {"timeout", CLI_OPTION_DURATION, SEND_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000, "how long one attempt to connect, or the goodbye, may take"},
    {"max-frame", CLI_OPTION_SIZE, SEND_VALUE(max_frame), "SIZE", "16m", NULL,
     1, SLUICE_MESSAGE_MAX,
     "refuse longer messages; the broker has a limit of its own"},
    {"interval", CLI_OPTION_DURATION, SEND_VALUE(interval_ms), "TIME", NULL,
     NULL, 0, 86400000, "generate messages, this far apart, without end"},
    {"count", CLI_OPTION_COUNT, SEND_VALUE(count), "N", NULL, NULL, 1, 0,
     "generate N messages, as fast as possible unless --interval"},
    {"size", CLI_OPTION_SIZE, SEND_VALUE(size), "SIZE", NULL, NULL, 1,
     SLUICE_MESSAGE_MAX,
     "generate messages of SIZE times 'X', one unless --interval or --count"},
    {"file", CLI_OPTION_TEXTS, SEND_VALUE(files), "FILE", NULL, NULL, 0, 0,
     "send all of FILE as one message; may be repeated"},
    CONFIRMED_OPTIONS(SEND_VALUE(confirmed)),
    {"reconnect", CLI_OPTION_FLAG, SEND_VALUE(reconnects), NULL, NULL, NULL, 0,
     0, "try again when the broker cannot be reached or is lost"},
    {"verbose", CLI_OPTION_FLAG, SEND_VALUE(is_verbose), NULL, NULL, NULL, 0, 0,
     "report on standard error how many messages were sent"},
    TARGET_TLS(SEND_VALUE(target)),
    TARGET_LOGIN(SEND_VALUE(target)),
    {.name = NULL},
};

static bool send_is_generating(const struct send_options *o)
{
    return o->interval_ms.is_given || o->count.is_given || o->size.is_given;
}

static struct source *send_generate(const struct send_options *o)
{
    uint64_t count = o->count.value;
    if (!o->count.is_given && !o->interval_ms.is_given)
        count = 1;
    return source_generator_new(count, o->interval_ms.value,
                                (size_t)o->size.value);
}

static struct source *send_source(const struct send_options *o, int argc,
                                  char **argv)
{
    static const char *const input[] = {"-"};
    size_t longest = (size_t)o->max_frame.value;
    if (send_is_generating(o))
        return send_generate(o);
    if (o->files.count > 0)
        return source_files_new(o->files.count, o->files.text, longest);
    if (argc == 3 && strcmp(argv[2], *input) == 0)
        return source_files_new(1, input, longest);
    if (argc > 2)
        return source_arguments_new(argc - 2, argv + 2);
    return source_lines_new(STDIN_FILENO, longest);
}

/* False, with an error printed and *status set, when messages would come from
 * two places. */
static bool send_check(const struct send_options *o, int argc, int *status)
{
    const char *wrong = NULL;
    if (send_is_generating(o) && argc > 2)
        wrong = "--interval, --count and --size generate messages; give no "
                "MESSAGE with them";
    else if (o->files.count > 0 && (argc > 2 || send_is_generating(o)))
        wrong = "--file names the messages; give no MESSAGE, --interval, "
                "--count or --size with it";
    if (wrong)
        *status = command_misused(&command_send, wrong);
    return !wrong;
}

/* Version 1 has neither receipts nor headers nor users; and where it has no
 * resets, it is for brokers that speak nothing else. */
static int send_all(const struct send_plan *plan)
{
    int status;
    bool is_needed = plan->options->headers.count > 0 ||
                     login_is_wanted(&plan->target->login);
    if (confirmed_is_wanted(plan->options))
        return confirmed_send(plan);
    if ((is_needed || target_is_unix(plan->target)) &&
        assured_send(plan, is_needed, &status))
        return status;
    return sender_send(plan);
}

static int send_run(int argc, char **argv)
{
    struct send_options o = {0};
    int status;
    if (!command_parse(&command_send, &o, &argc, argv, &status) ||
        !command_has_channel(&command_send, argc, argv, &status) ||
        !send_check(&o, argc, &status))
        return status;
    struct send_plan plan = {
        .target = &o.target,
        .channel = argv[1],
        .source = send_source(&o, argc, argv),
        .options = &o.confirmed,
        .timeout_ms = (int)o.timeout_ms.value,
        .longest = (size_t)o.max_frame.value,
        .reconnects = o.reconnects,
        .is_verbose = o.is_verbose,
    };
    if (!plan.source || !stop_signal_init()) {
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    } else {
        channel_hint_print(plan.channel, CHANNEL_PUBLISH);
        status = send_all(&plan);
    }
    source_free(plan.source);
    return status;
}

const struct command command_send = {
    .name = "send",
    .arguments = "CHANNEL [MESSAGE]...",
    .summary = "Publish messages",
    .details =
        "Sends each MESSAGE, or else each line of standard input, or else\n"
        "what --file names or --interval, --count and --size generate. A\n"
        "MESSAGE that is a single dash is all of standard input, as one\n"
        "message. '--' ends the options, for messages that begin with a\n"
        "dash.\n"
        "\n"
        "It exits with 0 when the broker has read everything, and has on\n"
        "disk what is for durable queues, unless --confirm (route) is given.\n"
        "While a queue is full the broker makes its publishers wait, also\n"
        "this one; after a second it says so. When nothing is left to hand\n"
        "over it waits at most --timeout for the broker to confirm.\n"
        "\n"
        "With --reconnect it goes on with the next message. The broker does\n"
        "not confirm single messages: those sent just before a connection is\n"
        "lost may be lost with it, and then the exit status is 1.\n"
        "\n"
        "--confirm, --need-reader, -H and users need version 2 of the\n"
        "protocol; on a unix socket it is spoken if the broker can. A receipt\n"
        "has the message's number in its channel, how many subscribers got\n"
        "it, and how many were too slow for it, or its place in the queue.\n"
        "\n"
        "  sluice send /topic/pictures --file cat.png\n"
        "  sluice send --confirm -H Unit=C /topic/temperature 21.5\n"
        "  uptime | sluice send /topic/load -\n",
    .options = send_options,
    .run = send_run,
};
