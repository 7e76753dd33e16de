/* SPDX-License-Identifier: MIT
 *
 * sluice listen - prints the messages of channels, or runs a command for each.
 * In version 2 of the protocol, or in version 1 where the broker speaks no
 * other; after each outage it tries again which of them that is.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/listen/frames.h"
#include "client/listen/units.h"
#include "client/print_options.h"
#include "client/stop_signal.h"
#include "client/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listen_options {
    struct target target;
    const char *command;
    struct cli_option_number timeout_ms, max_frame, count;
    struct print_options print;
    bool has_newline, has_headers, shows_gaps, is_quiet, no_reconnect;
};

#define LISTEN_VALUE(field) offsetof(struct listen_options, field)

static const struct cli_option listen_options[] = {
    TARGET_SERVER(LISTEN_VALUE(target)),
    {"timeout", CLI_OPTION_DURATION, LISTEN_VALUE(timeout_ms), "TIME", "5s",
     NULL, 1, 86400000,
     "how long one attempt to connect, or the goodbye, may take"},
    {"max-frame", CLI_OPTION_SIZE, LISTEN_VALUE(max_frame), "SIZE", "16m", NULL,
     1, SLUICE_MESSAGE_MAX, "the longest message to accept"},
    {"count", CLI_OPTION_COUNT, LISTEN_VALUE(count), "N", NULL, NULL, 1, 0,
     "stop after N messages"},
    {"exec", CLI_OPTION_TEXT, LISTEN_VALUE(command), "COMMAND", NULL, NULL, 0,
     0, "run COMMAND for each message, which is its standard input"},
    {"newline", CLI_OPTION_FLAG, LISTEN_VALUE(has_newline), NULL, NULL, NULL, 0,
     0, "with --exec: end each message with a newline, for 'read'"},
    PRINT_OPTIONS_FORMAT(LISTEN_VALUE(print)),
    PRINT_OPTIONS_RAW(LISTEN_VALUE(print)),
    PRINT_OPTIONS_TIMES(LISTEN_VALUE(print)),
    {"headers", CLI_OPTION_FLAG, LISTEN_VALUE(has_headers), NULL, NULL, NULL, 0,
     0, "print headers before each line of text; JSON always has them"},
    {"gaps", CLI_OPTION_FLAG, LISTEN_VALUE(shows_gaps), NULL, NULL, NULL, 0, 0,
     "report on standard error which messages were lost, as it happens"},
    {"no-reconnect", CLI_OPTION_FLAG, LISTEN_VALUE(no_reconnect), NULL, NULL,
     NULL, 0, 0, "exit with 1 when the broker cannot be reached or is lost"},
    {"quiet", CLI_OPTION_FLAG, LISTEN_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not report on standard error what ended well: lost connections that\n"
     "      are regained, messages that are handed back"},
    TARGET_TLS(LISTEN_VALUE(target)),
    TARGET_LOGIN(LISTEN_VALUE(target)),
    {.name = NULL},
};

/* --- connecting ---------------------------------------------------------- */

/* A broker that speaks version 1 only closes the connection. */
static enum sluice_error listen_dial(struct listening *l, bool *has_units)
{
    const struct listening_plan *plan = &l->plan;
    *has_units = true;
    enum sluice_error error = sluice_set_max_message(l->s, plan->max_frame);
    sluice_set_read_ahead(l->s, true);
    if (error == SLUICE_OK)
        error = sluice_set_reconnect(l->s, false);
    if (error == SLUICE_OK)
        error = target_open(plan->target, l->s, plan->timeout_ms);
    if (error == SLUICE_OK)
        return sluice_set_reconnect(l->s, plan->reconnects);
    if (error != SLUICE_UNSUPPORTED || reading_has_many(&l->reading))
        return error;
    *has_units = false;
    return frames_connect(l);
}

static enum listening_step listen_on_unconnected(struct listening *l,
                                                 enum sluice_error error)
{
    if (stop_signal_came())
        return LISTENING_DONE;
    bool is_final = error == SLUICE_UNSUPPORTED || error == SLUICE_REFUSED ||
                    outage_is_final(&l->news.outage, error);
    if (l->plan.reconnects && !is_final)
        return LISTENING_LOST;
    int status = complain_unconnected(l->s, error);
    return status == EXIT_USAGE ? LISTENING_MISUSED : LISTENING_FAILED;
}

static enum listening_step listen_once(struct listening *l)
{
    bool has_units;
    enum sluice_error error = listen_dial(l, &has_units);
    if (error != SLUICE_OK)
        return listen_on_unconnected(l, error);
    return has_units ? units_serve(l) : frames_serve(l);
}

static enum listening_step listen_retry(struct listening *l)
{
    if (!l->plan.reconnects) {
        complain(EXIT_FAILED, "%s", sluice_error_detail(l->s));
        return LISTENING_FAILED;
    }
    outage_on_lost(&l->news.outage, sluice_error_detail(l->s));
    return outage_pause(&l->news.outage) ? LISTENING_GO : LISTENING_DONE;
}

static int listen_all(struct listening *l)
{
    enum listening_step step;
    for (unsigned i = 0; i < l->reading.count; i++)
        if (l->reading.patterns[i].is_exact)
            channel_hint_print(l->reading.patterns[i].written,
                               CHANNEL_SUBSCRIBE);
    do {
        step = listen_once(l);
        if (step == LISTENING_LOST)
            step = listen_retry(l);
    } while (step == LISTENING_GO);
    if (step == LISTENING_MISUSED)
        return EXIT_USAGE;
    bool is_failed = step == LISTENING_FAILED || l->runner.failures > 0;
    return is_failed ? EXIT_FAILED : EXIT_DONE;
}

/* --- the command --------------------------------------------------------- */

/* False, and *status, when the options contradict each other. */
static bool listen_check(const struct listen_options *o, int *status)
{
    const char *wrong = print_options_wrong(&o->print);
    bool is_raw = o->print.is_raw || o->print.format == PRINTER_RAW;
    if (o->command && (o->has_headers || print_options_are_given(&o->print)))
        wrong = "--exec prints nothing; leave out --format, --timestamps, "
                "--headers and --raw";
    else if (is_raw && o->has_headers)
        wrong = "--raw prints bytes alone; leave out --headers";
    else if (o->has_newline && !o->command)
        wrong = "--newline is for --exec; leave it out";
    if (wrong)
        *status = command_misused(&command_listen, wrong);
    return !wrong;
}

static bool listen_has_channels(int argc, char **argv, int *status)
{
    bool is_ok = command_has_channel(&command_listen, argc, argv, status);
    for (int i = 2; i < argc && is_ok; i++)
        is_ok = command_has_channel(&command_listen, 2, argv + i - 1, status);
    return is_ok;
}

static bool listen_init(struct listening *l, const struct listen_options *o,
                        int count, char **channels)
{
    l->plan = (struct listening_plan){
        .target = &o->target,
        .command = o->command,
        .timeout_ms = (int)o->timeout_ms.value,
        .max_frame = (size_t)o->max_frame.value,
        .count = o->count.value,
        .has_newline = o->has_newline,
        .reconnects = !o->no_reconnect,
        .is_quiet = o->is_quiet,
    };
    l->give_up_ms = -1;
    print_options_apply(&o->print, &l->printer, "");
    if (!reading_init(&l->reading, (unsigned)count, channels))
        return false;
    l->printer.has_channel = reading_has_many(&l->reading);
    l->printer.has_headers = o->has_headers;
    news_init(&l->news, o->target.server, &l->reading, l->plan.reconnects,
              o->is_quiet);
    l->news.shows_gaps = o->shows_gaps;
    l->runner = (struct runner){
        .plan = {.command = o->command, .has_newline = o->has_newline},
        .channel = sluice_text(channels[0]),
    };
    l->s = sluice_new();
    return l->s;
}

static int listen_run(int argc, char **argv)
{
    /* Before the first word of output, which may be answered by a signal. */
    struct listening *l = stop_signal_init() ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    struct listen_options o = {.command = NULL};
    int status;
    if (command_parse(&command_listen, &o, &argc, argv, &status) &&
        listen_has_channels(argc, argv, &status) && listen_check(&o, &status))
        status =
            listen_init(l, &o, argc - 1, argv + 1)
                ? listen_all(l)
                : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    reading_fini(&l->reading);
    sluice_free(l->s);
    free(l);
    return status;
}

const struct command command_listen = {
    .name = "listen",
    .arguments = "CHANNEL...",
    .summary = "Print what arrives on channels, or run a command",
    .details =
        "Prints one line per message; on a terminal, control characters are\n"
        "shown as \\xNN. In CHANNEL, '*' stands for one segment between\n"
        "slashes, and '**' at the end for all that follow; %2A is a star that\n"
        "belongs to the name. Only a CHANNEL that begins with /queue matches\n"
        "queues. With several channels or a wildcard, each line begins with\n"
        "the channel.\n"
        "\n"
        "When the connection is lost it reconnects, after growing pauses.\n"
        "SIGINT or SIGTERM ends it in order: the messages of topics that the\n"
        "broker has already given to this listener are printed first. How\n"
        "many messages were lost because it was too slow is reported at the\n"
        "end.\n"
        "\n"
        "A message of a queue is acknowledged when it has been printed, or\n"
        "when its command has done its job; only then comes the next. One\n"
        "that is not, because the listener is killed, goes to another at\n"
        "once.\n"
        "\n"
        "--exec makes it a worker: 'sh -c COMMAND' runs for each message,\n"
        "one at a time. $SLUICE_CHANNEL, $SLUICE_SEQ and $SLUICE_TRY describe\n"
        "the message, and $SLUICE_H_NAME is its header NAME. SIGINT or\n"
        "SIGTERM, or Control-C, lets the command finish; a second signal\n"
        "ends it as well. A failing command is reported, and the exit status\n"
        "is 1 in the end. Its message comes again after a second if it is of\n"
        "a queue; after ten, and without a report, when the command exits\n"
        "with 75. 'sluice work' runs several commands at a time.\n"
        "\n"
        "A broker that speaks only version 1 of the protocol has neither\n"
        "wildcards nor headers, gaps and acknowledgements. There a worker\n"
        "that is killed takes along the message it works on and those on\n"
        "their way to it, and the message of a failing command is gone.\n"
        "\n"
        "  sluice listen '/sensors/*/temp' '/alarms/**'\n"
        "  sluice listen /queue/mail --exec 'sendmail -t'\n",
    .options = listen_options,
    .run = listen_run,
};
