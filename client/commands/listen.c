/* SPDX-License-Identifier: MIT
 *
 * sluice listen - prints the messages of a channel, or runs a command for each,
 * and reconnects when the connection is lost. Output is written when nothing
 * more has arrived, not after each message.
 */
#include "client/backoff.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/printer.h"
#include "client/runner.h"
#include "client/stop_signal.h"
#include "client/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* A connection that lasts this long, or brings a message, is sound. */
enum { LISTEN_SOUND_MS = 2000 };

struct listen_options {
    const char *server, *command;
    struct cli_option_number timeout_ms, max_frame, count;
    int format; /* enum printer_format, in the order of its words */
    bool has_times, is_raw, is_quiet, no_reconnect;
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
    {"format", CLI_OPTION_CHOICE, LISTEN_VALUE(format), "text|json", "text",
     NULL, 0, 0, "lines of text, or a JSON object per line"},
    {"timestamps", CLI_OPTION_FLAG, LISTEN_VALUE(has_times), NULL, NULL, NULL,
     0, 0, "print the time before each line of text; JSON always has it"},
    {"raw", CLI_OPTION_FLAG, LISTEN_VALUE(is_raw), NULL, NULL, NULL, 0, 0,
     "print the bytes alone, without a newline after each message"},
    {"no-reconnect", CLI_OPTION_FLAG, LISTEN_VALUE(no_reconnect), NULL, NULL,
     NULL, 0, 0, "exit with 1 when the broker cannot be reached or is lost"},
    {"quiet", CLI_OPTION_FLAG, LISTEN_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not report lost and regained connections on standard error"},
    {.name = NULL},
};

enum listen_state {
    LISTEN_FIRST,   /* never connected */
    LISTEN_OUTAGE,  /* not connected, and reported */
    LISTEN_TRYING,  /* connected again, but not known to be sound */
    LISTEN_SOUND,   /* connected */
    LISTEN_LEAVING, /* said goodbye after a stop signal */
};

struct listening {
    struct listen_options options;
    enum listen_state state;
    struct sluice *s;
    struct sluice_bytes channel;
    const struct listen_outlet *outlet;
    struct printer printer;
    struct runner runner; /* with --exec */
    struct backoff backoff;
    uint64_t taken; /* messages */
    int64_t due_ms; /* TRYING: sound from then on; LEAVING: given up then;
                         else -1 */
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

/* --- state --------------------------------------------------------------- */

static void listening_tell(const struct listening *l, const char *what,
                           const char *more)
{
    if (!l->options.is_quiet)
        complain(EXIT_DONE, "%s%s", what, more);
}

static void listening_on_connected(struct listening *l)
{
    l->due_ms = -1;
    if (l->state == LISTEN_FIRST) {
        l->state = LISTEN_SOUND;
        return;
    }
    l->state = LISTEN_TRYING;
    l->due_ms = sluice_deadline_clock() + LISTEN_SOUND_MS;
}

static void listening_on_sound(struct listening *l)
{
    listening_tell(l, "connected again to ", l->options.server);
    backoff_reset(&l->backoff);
    l->state = LISTEN_SOUND;
    l->due_ms = -1;
}

/* Reported once per outage, however many attempts it takes. */
static void listening_on_lost(struct listening *l)
{
    if (l->state == LISTEN_SOUND || l->state == LISTEN_FIRST)
        listening_tell(l, sluice_error_detail(l->s),
                       "; trying again until it succeeds");
    l->state = LISTEN_OUTAGE;
    l->due_ms = -1;
}

/* The broker sends the messages still due, and closes. */
static void listening_on_stop(struct listening *l)
{
    enum sluice_error error = sluice_goodbye(l->s);
    (void)error; /* if it fails, the next receive returns the error */
    l->state = LISTEN_LEAVING;
    l->due_ms = sluice_deadline_clock() + (int64_t)l->options.timeout_ms.value;
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
        listening_on_connected(l);
        return LISTEN_GO;
    }
    if (stop_signal_came())
        return LISTEN_DONE;
    bool is_final = error == SLUICE_BAD_ADDRESS || l->options.no_reconnect ||
                    (l->state == LISTEN_FIRST &&
                     (error == SLUICE_UNRESOLVED || error == SLUICE_DENIED));
    if (!is_final)
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
    if (l->state == LISTEN_TRYING)
        listening_on_sound(l);
    bool is_last =
        l->options.count.is_given && l->taken == l->options.count.value;
    return is_last ? LISTEN_DONE : LISTEN_GO;
}

/* Why there is nothing more to receive. */
static enum listen_step listening_on_end(struct listening *l,
                                         enum sluice_error error)
{
    if (l->state == LISTEN_LEAVING)
        return LISTEN_DONE;
    if (error != SLUICE_TOO_LONG)
        return LISTEN_LOST;
    complain(EXIT_FAILED, "%s of %" PRIu64 " bytes; raise --max-frame",
             sluice_error_detail(l->s), l->options.max_frame.value);
    return LISTEN_FAILED;
}

/* Writes out the messages that are there. LISTEN_GO: no more for now. */
static enum listen_step listening_take(struct listening *l)
{
    for (;;) {
        if (stop_signal_came() && l->state != LISTEN_LEAVING)
            listening_on_stop(l);
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
    struct watch watch = {
        .s = l->s,
        .fd = l->printer.fd, /* notices that its reader went away */
        .is_stopping = l->state == LISTEN_LEAVING,
        .timeout_ms = l->due_ms < 0 ? -1 : sluice_deadline_left(l->due_ms),
    };
    if (watch_wait(&watch) & POLLERR)
        return LISTEN_DONE;
    if (l->due_ms < 0 || sluice_deadline_left(l->due_ms) > 0)
        return LISTEN_GO;
    if (l->state == LISTEN_LEAVING)
        return LISTEN_DONE;
    listening_on_sound(l);
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

static enum listen_step listening_pause(struct listening *l)
{
    int64_t due_ms = sluice_deadline_clock() + backoff_next_ms(&l->backoff);
    struct watch watch = {.s = NULL, .fd = -1};
    while (!stop_signal_came()) {
        watch.timeout_ms = sluice_deadline_left(due_ms);
        if (watch.timeout_ms == 0)
            return LISTEN_GO;
        watch_wait(&watch);
    }
    return LISTEN_DONE;
}

static enum listen_step listening_retry(struct listening *l)
{
    if (l->options.no_reconnect) {
        complain(EXIT_FAILED, "%s", sluice_error_detail(l->s));
        return LISTEN_FAILED;
    }
    listening_on_lost(l);
    return listening_pause(l);
}

static int listening_run(struct listening *l)
{
    enum listen_step step;
    do {
        step = listening_connect(l);
        if (step == LISTEN_GO)
            step = listening_serve(l);
        if (step == LISTEN_LOST)
            step = listening_retry(l);
    } while (step == LISTEN_GO);
    if (step == LISTEN_MISUSED)
        return EXIT_USAGE;
    bool is_failed = step == LISTEN_FAILED || l->runner.failures > 0;
    return is_failed ? EXIT_FAILED : EXIT_DONE;
}

/* --- the command --------------------------------------------------------- */

static uint64_t listen_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    return (uint64_t)sluice_deadline_clock() << 16 ^ (uint64_t)getpid();
}

/* False, and *status, when the options contradict each other. */
static bool listen_check(const struct listen_options *o, int argc, int *status)
{
    bool is_formatted = o->format != PRINTER_TEXT || o->has_times;
    const char *wrong = NULL;
    if (argc > 2)
        wrong = "one CHANNEL is enough; start one listener per channel";
    else if (o->is_raw && is_formatted)
        wrong = "--raw prints bytes alone; leave out --format or --timestamps";
    else if (o->command && (o->is_raw || is_formatted))
        wrong = "--exec prints nothing; leave out --format, --timestamps and "
                "--raw";
    if (wrong)
        *status = command_misused(&command_listen, wrong);
    return !wrong;
}

static bool listening_init(struct listening *l, const char *channel)
{
    const struct listen_options *o = &l->options;
    l->channel = sluice_text(channel);
    printer_init(&l->printer, STDOUT_FILENO);
    l->printer.format =
        o->is_raw ? PRINTER_RAW : (enum printer_format)o->format;
    l->printer.has_time = o->has_times;
    l->printer.channel = l->channel;
    l->outlet = o->command ? &listen_to_command : &listen_to_output;
    backoff_init(&l->backoff, listen_seed());
    if (o->command && !runner_init(&l->runner, o->command, channel))
        return false;
    l->s = sluice_new();
    return l->s && stop_signal_init();
}

static int listen_run(int argc, char **argv)
{
    struct listening *l = calloc(1, sizeof *l);
    if (!l)
        return complain(EXIT_FAILED, "out of memory");
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
        "--count leaves at once after the last message. Messages of a queue\n"
        "that are on their way to this listener by then are lost: it is not\n"
        "a way to take N messages out of a queue.\n"
        "\n"
        "--exec makes it a worker: 'sh -c COMMAND' runs for each message,\n"
        "one at a time, with $SLUICE_CHANNEL set. While it runs, the broker\n"
        "gives further messages to other workers. A failing command is\n"
        "reported, its message is lost, and the exit status is 1.\n"
        "\n"
        "  sluice listen /queue/mail --exec 'sendmail -t'\n",
    .options = listen_options,
    .run = listen_run,
};
