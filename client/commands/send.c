/* SPDX-License-Identifier: MIT
 *
 * sluice send - publishes the messages of a source, and ends in order: the
 * broker has read everything when it exits with 0. While a queue is full the
 * broker makes its publishers wait, this one included, without a limit; only a
 * stop signal sets one.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/source.h"
#include "client/stop_signal.h"
#include "client/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

struct send_options {
    const char *server;
    struct cli_option_number timeout_ms, max_frame, interval_ms, count, size;
};

#define SEND_VALUE(field) offsetof(struct send_options, field)

static const struct cli_option send_options[] = {
    {"server", CLI_OPTION_TEXT, SEND_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "the broker: host:port, [v6]:port or unix:PATH"},
    {"timeout", CLI_OPTION_DURATION, SEND_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000,
     "how long to try to connect, and to finish after SIGINT or SIGTERM"},
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
    {.name = NULL},
};

struct sender {
    struct send_options options;
    struct sluice *s;
    struct source *source;
    struct sluice_bytes channel;
    uint64_t sent;      /* messages the library took */
    int64_t give_up_ms; /* -1 before a stop signal came */
};

/* --- waiting ------------------------------------------------------------- */

/* After a stop signal, --timeout is the time left to finish. */
static bool sender_has_time(struct sender *sender)
{
    if (!stop_signal_came())
        return true;
    int64_t now_ms = sluice_deadline_clock();
    if (sender->give_up_ms < 0)
        sender->give_up_ms = now_ms + (int64_t)sender->options.timeout_ms.value;
    return now_ms < sender->give_up_ms;
}

/* `fd` and `due_ms` may be -1. */
static void sender_wait(struct sender *sender, int fd, int64_t due_ms)
{
    bool is_stopping = sender->give_up_ms >= 0;
    if (is_stopping)
        due_ms = sender->give_up_ms;
    struct watch watch = {
        .s = sender->s,
        .fd = fd,
        .events = POLLIN,
        .is_stopping = is_stopping,
        .timeout_ms = due_ms < 0 ? -1 : sluice_deadline_left(due_ms),
    };
    watch_wait(&watch);
}

/* Sends the buffered bytes, and reads: nothing comes (SLUICE_AGAIN), or the end
 * of the connection. */
static enum sluice_error sender_pump(struct sender *sender)
{
    struct sluice_bytes ignored;
    enum sluice_error error;
    do
        error = sluice_receive(sender->s, &ignored, SLUICE_NO_WAIT);
    while (error == SLUICE_OK);
    return error;
}

/* --- the steps ----------------------------------------------------------- */

static enum sluice_error sender_connect(struct sender *sender)
{
    const struct send_options *o = &sender->options;
    enum sluice_error error =
        sluice_set_max_message(sender->s, o->max_frame.value);
    if (error != SLUICE_OK)
        return error;
    error = sluice_connect(sender->s, o->server, (int)o->timeout_ms.value);
    if (error != SLUICE_OK)
        return error;
    /* Input may take long to come; the broker expects the first frame soon. */
    return sluice_subscribe(sender->s, sluice_text(SLUICE_SINK));
}

/* One message; waits while the broker makes us wait, until a stop signal. */
static enum sluice_error sender_publish(struct sender *sender,
                                        struct sluice_bytes message)
{
    for (;;) {
        enum sluice_error error =
            sluice_publish(sender->s, sender->channel, message, SLUICE_NO_WAIT);
        if (error == SLUICE_OK)
            sender->sent++;
        if (error != SLUICE_AGAIN)
            return error;
        if (stop_signal_came())
            return SLUICE_INTERRUPTED;
        error = sender_pump(sender);
        if (error != SLUICE_AGAIN)
            return error;
        sender_wait(sender, -1, -1);
    }
}

/* Publishes until the source has ended or failed, or an error occurs. */
static enum sluice_error sender_run(struct sender *sender,
                                    enum source_result *result)
{
    enum sluice_error error = SLUICE_OK;
    while (error == SLUICE_OK && !stop_signal_came()) {
        struct sluice_bytes message;
        *result = source_next(sender->source, &message);
        if (*result == SOURCE_MESSAGE) {
            error = sender_publish(sender, message);
        } else if (*result == SOURCE_WAIT) {
            error = sender_pump(sender);
            if (error != SLUICE_AGAIN)
                break;
            error = SLUICE_OK;
            sender_wait(sender, sender->source->fd, sender->source->due_ms);
        } else {
            break;
        }
    }
    return error;
}

/* Says goodbye, and waits until the broker has read everything. */
static enum sluice_error sender_finish(struct sender *sender)
{
    enum sluice_error error = sluice_goodbye(sender->s);
    if (error != SLUICE_OK)
        return error;
    while ((error = sender_pump(sender)) == SLUICE_AGAIN) {
        if (!sender_has_time(sender))
            return SLUICE_TIMEOUT;
        sender_wait(sender, -1, -1);
    }
    return error == SLUICE_CLOSED ? SLUICE_OK : error;
}

/* --- reporting ----------------------------------------------------------- */

static int sender_lost(const struct sender *sender, enum sluice_error error)
{
    const char *what = error == SLUICE_TIMEOUT
                           ? "the broker did not take everything in time"
                           : sluice_error_detail(sender->s);
    return complain(EXIT_FAILED, "%s; messages sent: %" PRIu64 "%s", what,
                    sender->sent,
                    sender->sent > 0 ? ", the last of them may be lost" : "");
}

static int sender_too_long(const struct sender *sender)
{
    return complain(EXIT_FAILED,
                    "message %" PRIu64 " is longer than the %" PRIu64
                    " bytes of --max-frame; messages sent: %" PRIu64,
                    sender->sent + 1, sender->options.max_frame.value,
                    sender->sent);
}

static int sender_unreadable(const struct sender *sender, int error)
{
    return complain(EXIT_FAILED,
                    "cannot read standard input: %s; messages sent: %" PRIu64,
                    strerror(error), sender->sent);
}

/* Sends everything; returns the exit status. */
static int sender_send(struct sender *sender)
{
    enum sluice_error error = sender_connect(sender);
    if (error != SLUICE_OK)
        return complain_unconnected(sender->s, error);
    enum source_result result = SOURCE_END;
    error = sender_run(sender, &result);
    int source_error = errno;
    bool is_too_long = error == SLUICE_TOO_LONG ||
                       (result == SOURCE_FAILED && source_error == EMSGSIZE);
    if (error != SLUICE_OK && error != SLUICE_INTERRUPTED && !is_too_long)
        return sender_lost(sender, error);
    error = sender_finish(sender);
    if (error != SLUICE_OK)
        return sender_lost(sender, error);
    if (is_too_long)
        return sender_too_long(sender);
    if (result == SOURCE_FAILED)
        return sender_unreadable(sender, source_error);
    return EXIT_DONE;
}

/* --- the command --------------------------------------------------------- */

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
    if (send_is_generating(o))
        return send_generate(o);
    if (argc > 2)
        return source_arguments_new(argc - 2, argv + 2);
    return source_lines_new(STDIN_FILENO, (size_t)o->max_frame.value);
}

static int send_run(int argc, char **argv)
{
    struct sender sender = {.give_up_ms = -1};
    int status;
    if (!command_parse(&command_send, &sender.options, &argc, argv, &status) ||
        !command_has_channel(&command_send, argc, argv, &status))
        return status;
    if (argc > 2 && send_is_generating(&sender.options))
        return command_misused(&command_send,
                               "--interval, --count and --size generate "
                               "messages; give no MESSAGE with them");
    sender.channel = sluice_text(argv[1]);
    sender.source = send_source(&sender.options, argc, argv);
    sender.s = sluice_new();
    if (!sender.source || !sender.s || !stop_signal_init())
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    else
        status = sender_send(&sender);
    sluice_free(sender.s);
    source_free(sender.source);
    return status;
}

const struct command command_send = {
    .name = "send",
    .arguments = "CHANNEL [MESSAGE]...",
    .summary = "Publish messages",
    .details =
        "Sends each MESSAGE, or else each line of standard input, or else\n"
        "what --interval, --count and --size generate. '--' ends the\n"
        "options, for messages that begin with a dash.\n"
        "\n"
        "It exits with 0 when the broker has read everything. While a queue\n"
        "is full the broker makes its publishers wait, also this one.\n",
    .options = send_options,
    .run = send_run,
};
