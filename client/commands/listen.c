/* SPDX-License-Identifier: MIT
 *
 * sluice listen - prints the messages of a channel, or runs a command for each,
 * and reconnects when the connection is lost. Output is written when nothing
 * more has arrived, not after each message.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/handback.h"
#include "client/lib/deadline.h"
#include "client/outage.h"
#include "client/print_options.h"
#include "client/runner.h"
#include "client/stop_signal.h"
#include "client/watch.h"
#include "proto/channel_name.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct listen_options {
    const char *server, *command;
    struct cli_option_number timeout_ms, max_frame, count;
    struct print_options print;
    bool has_newline, is_quiet, no_reconnect;
};

#define LISTEN_VALUE(field) offsetof(struct listen_options, field)

static const struct cli_option listen_options[] = {
    {"server", CLI_OPTION_TEXT, LISTEN_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "the broker: host:port, [v6]:port or unix:PATH"},
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
    {"no-reconnect", CLI_OPTION_FLAG, LISTEN_VALUE(no_reconnect), NULL, NULL,
     NULL, 0, 0, "exit with 1 when the broker cannot be reached or is lost"},
    {"quiet", CLI_OPTION_FLAG, LISTEN_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not report on standard error what ended well: lost connections that\n"
     "      are regained, messages that are handed back"},
    {.name = NULL},
};

struct listening {
    struct listen_options options;
    struct sluice *s;
    struct sluice_bytes channel;
    bool is_queue;
    const struct listen_outlet *outlet;
    struct printer printer;
    struct runner runner; /* with --exec */
    struct outage outage;
    uint64_t taken;     /* messages */
    int64_t give_up_ms; /* said goodbye after a stop signal, and waits for the
                           rest until then; -1 before */
};

/* Where messages go. Both functions return false, with errno. */
struct listen_outlet {
    bool (*put)(struct listening *l, struct sluice_bytes message);
    bool (*flush)(struct listening *l);
    const char *failure;
};

/* What to do after a step. */
enum listen_step {
    LISTEN_GO,
    LISTEN_LOST, /* the connection; the handle says why */
    LISTEN_DONE,
    LISTEN_FAILED, /* and reported */
    LISTEN_MISUSED,
};

/* --- stopping ------------------------------------------------------------ */

static bool listening_is_leaving(const struct listening *l)
{
    return l->give_up_ms >= 0;
}

/* The broker sends the messages still due, and closes. */
static void listening_on_stop(struct listening *l)
{
    enum sluice_error error = sluice_goodbye(l->s);
    (void)error; /* if it fails, the next receive returns the error */
    l->give_up_ms =
        sluice_deadline_clock() + (int64_t)l->options.timeout_ms.value;
}

/* True when nothing more is to be taken: a command that ran has ended by now,
 * and no other one begins. */
static bool listening_is_stopped(struct listening *l)
{
    if (stop_signal_came() && !listening_is_leaving(l) && !l->options.command)
        listening_on_stop(l);
    return stop_signal_came() && l->options.command;
}

static bool listening_is_late(const struct listening *l)
{
    return listening_is_leaving(l) && sluice_deadline_left(l->give_up_ms) == 0;
}

/* --- where messages go --------------------------------------------------- */

static bool listening_print(struct listening *l, struct sluice_bytes message)
{
    return printer_put(&l->printer, message);
}

static bool listening_flush(struct listening *l)
{
    return printer_flush(&l->printer);
}

static const struct listen_outlet listen_to_output = {
    listening_print, listening_flush, "cannot write to standard output"};

static bool listening_execute(struct listening *l, struct sluice_bytes message)
{
    return runner_run(&l->runner, message);
}

static bool listening_has_nothing_to_flush(struct listening *l)
{
    (void)l;
    return true;
}

static const struct listen_outlet listen_to_command = {
    listening_execute, listening_has_nothing_to_flush, "cannot run a command"};

/* --- one connection ------------------------------------------------------ */

static enum sluice_error listening_dial(struct listening *l)
{
    const struct listen_options *o = &l->options;
    enum sluice_error error = sluice_set_max_message(l->s, o->max_frame.value);
    if (error != SLUICE_OK)
        return error;
    error = sluice_connect(l->s, o->server, (int)o->timeout_ms.value);
    return error != SLUICE_OK ? error : sluice_subscribe(l->s, l->channel);
}

static enum listen_step listening_connect(struct listening *l)
{
    enum sluice_error error = listening_dial(l);
    if (error == SLUICE_OK) {
        outage_on_connected(&l->outage);
        return LISTEN_GO;
    }
    if (stop_signal_came())
        return LISTEN_DONE;
    if (!l->options.no_reconnect && !outage_is_final(&l->outage, error))
        return LISTEN_LOST;
    int status = complain_unconnected(l->s, error);
    return status == EXIT_USAGE ? LISTEN_MISUSED : LISTEN_FAILED;
}

/* A reader that went away is not a failure: sluice listen ... | head. */
static enum listen_step listening_on_unwritable(const struct listening *l)
{
    if (errno == EPIPE)
        return LISTEN_DONE;
    complain(EXIT_FAILED, "%s: %s", l->outlet->failure, strerror(errno));
    return LISTEN_FAILED;
}

static enum listen_step listening_put(struct listening *l,
                                      struct sluice_bytes message)
{
    if (!l->outlet->put(l, message))
        return listening_on_unwritable(l);
    l->taken++;
    outage_on_success(&l->outage);
    bool is_last =
        l->options.count.is_given && l->taken == l->options.count.value;
    /* Looked at after each message: the broker may never pause. */
    return is_last || listening_is_late(l) ? LISTEN_DONE : LISTEN_GO;
}

/* Why there is nothing more to receive. */
static enum listen_step listening_on_end(struct listening *l,
                                         enum sluice_error error)
{
    if (listening_is_leaving(l))
        return LISTEN_DONE;
    if (error == SLUICE_TOO_LONG)
        complain(EXIT_FAILED, "%s of %" PRIu64 " bytes; raise --max-frame",
                 sluice_error_detail(l->s), l->options.max_frame.value);
    else if (error == SLUICE_FOREIGN)
        complain(EXIT_FAILED, "%s", sluice_error_detail(l->s));
    else
        return LISTEN_LOST;
    return LISTEN_FAILED;
}

/* Writes out the messages that are there. LISTEN_GO: no more for now. */
static enum listen_step listening_take(struct listening *l)
{
    for (;;) {
        if (listening_is_stopped(l))
            return LISTEN_DONE;
        struct sluice_bytes message;
        enum sluice_error error =
            sluice_receive(l->s, &message, SLUICE_NO_WAIT);
        if (error == SLUICE_AGAIN)
            return LISTEN_GO;
        if (error != SLUICE_OK)
            return listening_on_end(l, error);
        enum listen_step step = listening_put(l, message);
        if (step != LISTEN_GO)
            return step;
    }
}

static enum listen_step listening_wait(struct listening *l)
{
    int64_t due_ms =
        listening_is_leaving(l) ? l->give_up_ms : l->outage.sound_ms;
    struct watch watch = {
        .s = l->s,
        .fd = l->printer.fd, /* notices that its reader went away */
        .is_stopping = listening_is_leaving(l),
        .timeout_ms = due_ms < 0 ? -1 : sluice_deadline_left(due_ms),
    };
    if (watch_wait(&watch) & POLLERR || listening_is_late(l))
        return LISTEN_DONE;
    outage_on_time(&l->outage);
    return LISTEN_GO;
}

static enum listen_step listening_serve(struct listening *l)
{
    enum listen_step step;
    do {
        step = listening_take(l);
        if (!l->outlet->flush(l))
            return listening_on_unwritable(l);
        if (step == LISTEN_GO)
            step = listening_wait(l);
    } while (step == LISTEN_GO);
    return step;
}

/* --- one connection after another ---------------------------------------- */

/* Messages that came and are not used, since no more is printed or run. A
 * listener to a topic that has enough leaves at once. */
static enum listen_step listening_hand_back(struct listening *l,
                                            enum listen_step step)
{
    const struct listen_options *o = &l->options;
    bool is_worth_it =
        l->is_queue || (o->command != NULL && stop_signal_came());
    if (step == LISTEN_LOST || listening_is_leaving(l) || !is_worth_it)
        return step;
    struct handback h = {.server = o->server,
                         .channel = l->channel,
                         .timeout_ms = (int)o->timeout_ms.value,
                         .max_frame = (size_t)o->max_frame.value,
                         .is_queue = l->is_queue};
    handback_all(&h, l->s);
    return handback_report(&h, o->is_quiet) ? step : LISTEN_FAILED;
}

static enum listen_step listening_retry(struct listening *l)
{
    if (l->options.no_reconnect) {
        complain(EXIT_FAILED, "%s", sluice_error_detail(l->s));
        return LISTEN_FAILED;
    }
    outage_on_lost(&l->outage, sluice_error_detail(l->s));
    return outage_pause(&l->outage) ? LISTEN_GO : LISTEN_DONE;
}

static int listening_run(struct listening *l)
{
    enum listen_step step;
    channel_hint_print(l->channel.data, CHANNEL_SUBSCRIBE);
    do {
        step = listening_connect(l);
        if (step == LISTEN_GO)
            step = listening_hand_back(l, listening_serve(l));
        if (step == LISTEN_LOST)
            step = listening_retry(l);
    } while (step == LISTEN_GO);
    if (step == LISTEN_MISUSED)
        return EXIT_USAGE;
    bool is_failed = step == LISTEN_FAILED || l->runner.failures > 0;
    return is_failed ? EXIT_FAILED : EXIT_DONE;
}

/* --- the command --------------------------------------------------------- */

/* False, and *status, when the options contradict each other. */
static bool listen_check(const struct listen_options *o, int argc, int *status)
{
    const char *wrong = print_options_wrong(&o->print);
    if (argc > 2)
        wrong = "one CHANNEL is enough; start one listener per channel";
    else if (o->command && print_options_are_given(&o->print))
        wrong = "--exec prints nothing; leave out --format, --timestamps and "
                "--raw";
    else if (o->has_newline && !o->command)
        wrong = "--newline is for --exec; leave it out";
    if (wrong)
        *status = command_misused(&command_listen, wrong);
    return !wrong;
}

static bool listening_init(struct listening *l, const char *channel)
{
    const struct listen_options *o = &l->options;
    l->channel = sluice_text(channel);
    l->is_queue =
        strncmp(channel, CHANNEL_NAME_QUEUE, strlen(CHANNEL_NAME_QUEUE)) == 0;
    l->give_up_ms = -1;
    print_options_apply(&o->print, &l->printer, channel);
    l->outlet = o->command ? &listen_to_command : &listen_to_output;
    outage_init(&l->outage, o->server, o->is_quiet);
    l->runner = (struct runner){
        .plan = {.command = o->command, .has_newline = o->has_newline},
        .channel = l->channel};
    l->s = sluice_new();
    if (!l->s)
        return false;
    bool takes_few = o->command != NULL || o->count.is_given;
    if (l->is_queue && takes_few)
        sluice_set_read_ahead(l->s, false);
    return true;
}

static int listen_run(int argc, char **argv)
{
    /* Before the first word of output, which may be answered by a signal. */
    struct listening *l = stop_signal_init() ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    int status;
    if (command_parse(&command_listen, &l->options, &argc, argv, &status) &&
        command_has_channel(&command_listen, argc, argv, &status) &&
        listen_check(&l->options, argc, &status))
        status =
            listening_init(l, argv[1])
                ? listening_run(l)
                : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    sluice_free(l->s);
    free(l);
    return status;
}

const struct command command_listen = {
    .name = "listen",
    .arguments = "CHANNEL",
    .summary = "Print what arrives on a channel, or run a command",
    .details =
        "Prints one line per message; on a terminal, control characters are\n"
        "shown as \\xNN. When the connection is lost it reconnects, after\n"
        "growing pauses. SIGINT or SIGTERM ends it in order: the messages\n"
        "that the broker has already given to this listener are printed\n"
        "first.\n"
        "\n"
        "--count leaves after the last message. Messages of a queue that were\n"
        "on their way to this listener by then are handed back: published\n"
        "again, to the end of the queue.\n"
        "\n"
        "--exec makes it a worker: 'sh -c COMMAND' runs for each message,\n"
        "one at a time, with $SLUICE_CHANNEL set. SIGINT or SIGTERM, or\n"
        "Control-C, lets the command finish, and messages that were on their\n"
        "way are handed back; a second signal ends the command as well. A\n"
        "failing command is reported, its message is lost, and the exit\n"
        "status is 1.\n"
        "\n"
        "A queue delivers at most once: a worker that is killed takes along\n"
        "the message it works on and those that were on their way to it, up\n"
        "to the broker's --prefetch and 2 KiB. To the broker they are\n"
        "delivered. 'sluice work' acknowledges each message and loses none.\n"
        "\n"
        "  sluice listen /queue/mail --exec 'sendmail -t'\n",
    .options = listen_options,
    .run = listen_run,
};
