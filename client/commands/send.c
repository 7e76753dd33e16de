/* SPDX-License-Identifier: MIT
 *
 * sluice send - publishes the messages of a source, and ends in order: the
 * broker has read everything when it exits with 0. While a queue is full the
 * broker makes its publishers wait, this one included: as long as messages are
 * still to be handed to the kernel there is no limit, and what is waited for
 * is reported. The goodbye that follows is limited by --timeout, since a
 * broker that never answers it looks like one whose queue is full.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/confirmed.h"
#include "client/lib/deadline.h"
#include "client/outage.h"
#include "client/source_failure.h"
#include "client/stop_signal.h"
#include "client/target.h"
#include "client/watch.h"
#include "proto/channel_name.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    SEND_NOTICE_MS = 1000, /* what it waits for is reported after this time */
    SEND_PUMP_MAX = 1000,  /* messages read at once, from a broker that sends
                              what it does not owe */
};

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

struct sender {
    struct send_options options;
    struct sluice *s;
    struct source *source;
    struct outage outage;
    struct sluice_bytes channel;
    struct sluice_bytes pending; /* from the source, not taken by the library */
    bool has_pending;
    bool has_lost;      /* messages, perhaps, with an earlier connection */
    bool has_noticed;   /* the user knows what is waited for */
    bool is_ending;     /* nothing is left to send */
    uint64_t sent;      /* messages the library took */
    uint64_t kept;      /* of these, on earlier connections */
    size_t longest;     /* bytes of a message sent */
    int64_t notice_ms;  /* when the wait will be reported; -1 for no wait */
    int64_t give_up_ms; /* -1: not yet limited */
};

/* --- waiting ------------------------------------------------------------- */

static int64_t sender_earlier(int64_t a_ms, int64_t b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

/* From now on, --timeout is the time left to finish. */
static void sender_limit(struct sender *sender)
{
    if (sender->give_up_ms < 0)
        sender->give_up_ms =
            sluice_deadline_clock() + (int64_t)sender->options.timeout_ms.value;
}

static bool sender_has_time(const struct sender *sender)
{
    return sender->give_up_ms < 0 ||
           sluice_deadline_left(sender->give_up_ms) > 0;
}

/* Once: a queue that is full for long would repeat it each time a message
 * fits. */
static void sender_notice(struct sender *sender, const char *what)
{
    if (sender->notice_ms < 0 || sluice_deadline_left(sender->notice_ms) > 0)
        return;
    bool is_queue = strncmp(sender->channel.data, CHANNEL_NAME_QUEUE,
                            strlen(CHANNEL_NAME_QUEUE)) == 0;
    complain(EXIT_DONE, "waiting: %s (%s?)", what,
             is_queue ? "queue full" : "slow subscriber");
    sender->has_noticed = true;
    sender->notice_ms = -1;
}

/* `fd` and `due_ms` may be -1. */
static void sender_wait(struct sender *sender, int fd, int64_t due_ms)
{
    due_ms = sender_earlier(due_ms, sender->notice_ms);
    due_ms = sender_earlier(due_ms, sender->give_up_ms);
    due_ms = sender_earlier(due_ms, sender->outage.sound_ms);
    struct watch watch = {
        .s = sender->s,
        .fd = fd,
        .events = POLLIN,
        .is_stopping = stop_signal_came(),
        .timeout_ms = due_ms < 0 ? -1 : sluice_deadline_left(due_ms),
    };
    watch_wait(&watch);
    outage_on_time(&sender->outage);
}

/* Waits for the broker, to which `what` refers. */
static void sender_await(struct sender *sender, const char *what)
{
    if (sender->notice_ms < 0 && !sender->has_noticed)
        sender->notice_ms = sluice_deadline_clock() + SEND_NOTICE_MS;
    sender_wait(sender, -1, -1);
    sender_notice(sender, what);
}

/* Sends the buffered bytes, and reads: nothing comes (SLUICE_AGAIN), or the end
 * of the connection. */
static enum sluice_error sender_pump(struct sender *sender)
{
    struct sluice_bytes ignored;
    enum sluice_error error = SLUICE_OK;
    for (int i = 0; i < SEND_PUMP_MAX && error == SLUICE_OK; i++)
        error = sluice_receive(sender->s, &ignored, SLUICE_NO_WAIT);
    return error == SLUICE_OK ? SLUICE_AGAIN : error;
}

/* --- the steps ----------------------------------------------------------- */

static enum sluice_error sender_connect(struct sender *sender)
{
    const struct send_options *o = &sender->options;
    enum sluice_error error =
        sluice_set_max_message(sender->s, o->max_frame.value);
    if (error != SLUICE_OK)
        return error;
    error = target_connect(&o->target, sender->s, (int)o->timeout_ms.value);
    if (error != SLUICE_OK)
        return error;
    sender->kept = sender->sent;
    sender->notice_ms = -1;
    outage_on_connected(&sender->outage);
    /* Input may take long to come; the broker expects the first frame soon. */
    return sluice_subscribe(sender->s, sluice_text(SLUICE_SINK));
}

static void sender_on_taken(struct sender *sender)
{
    sender->sent++;
    if (sender->pending.length > sender->longest)
        sender->longest = sender->pending.length;
    sender->has_pending = false;
    sender->notice_ms = -1;
    outage_on_time(&sender->outage);
}

static bool sender_has_buffered(const struct sender *sender)
{
    return (sluice_events(sender->s) & POLLOUT) != 0;
}

/* The pending message; waits while the broker makes us wait, until a stop
 * signal. */
static enum sluice_error sender_publish(struct sender *sender)
{
    for (;;) {
        enum sluice_error error = sluice_publish(
            sender->s, sender->channel, sender->pending, SLUICE_NO_WAIT);
        if (error == SLUICE_OK)
            sender_on_taken(sender);
        if (error != SLUICE_AGAIN)
            return error;
        if (stop_signal_came())
            return SLUICE_INTERRUPTED;
        error = sender_pump(sender);
        if (error != SLUICE_AGAIN)
            return error;
        /* Otherwise there is room by now, and nothing that would wake us. */
        if (sender_has_buffered(sender))
            sender_await(sender, "the broker takes no more");
    }
}

/* The source has nothing for now. */
static enum sluice_error sender_idle(struct sender *sender)
{
    enum sluice_error error = sender_pump(sender);
    if (error != SLUICE_AGAIN)
        return error;
    sender_wait(sender, sender->source->fd, sender->source->due_ms);
    return SLUICE_OK;
}

/* Publishes until the source has ended or failed, or an error occurs. */
static enum sluice_error sender_run(struct sender *sender,
                                    enum source_result *result)
{
    enum sluice_error error = SLUICE_OK;
    while (error == SLUICE_OK && !stop_signal_came()) {
        if (!sender->has_pending) {
            *result = source_next(sender->source, &sender->pending);
            sender->has_pending = *result == SOURCE_MESSAGE;
        }
        if (sender->has_pending)
            error = sender_publish(sender);
        else if (*result == SOURCE_WAIT)
            error = sender_idle(sender);
        else
            break;
    }
    return error;
}

/* Says goodbye, and waits until the broker has read everything. */
static enum sluice_error sender_finish(struct sender *sender)
{
    sender->is_ending = true;
    enum sluice_error error = sluice_goodbye(sender->s);
    if (error != SLUICE_OK)
        return error;
    while ((error = sender_pump(sender)) == SLUICE_AGAIN) {
        if (!sender_has_buffered(sender) || stop_signal_came())
            sender_limit(sender);
        if (!sender_has_time(sender))
            return SLUICE_TIMEOUT;
        sender_await(sender, "the broker has not read everything");
    }
    return error == SLUICE_CLOSED ? SLUICE_OK : error;
}

/* --- reporting ----------------------------------------------------------- */

/* Whether a message was longer than a broker takes unless it is told to. */
static bool sender_has_long(const struct sender *sender)
{
    size_t pending = sender->has_pending ? sender->pending.length : 0;
    size_t longest = pending > sender->longest ? pending : sender->longest;
    return longest > SLUICE_MESSAGE_DEFAULT_MAX;
}

/* `why` becomes a sentence that says what the lost connection cost. */
static void sender_on_lost(struct sender *sender, enum sluice_error error,
                           struct sentence *why)
{
    bool is_late = error == SLUICE_TIMEOUT;
    bool was_long = sender_has_long(sender) && !is_late;
    bool is_loss = sender->sent > sender->kept;
    /* Version 1 has no words for that. */
    bool is_denied = error == SLUICE_BROKEN && !was_long &&
                     !sender->options.reconnects && sender->sent <= 1;
    sentence_fail(why, "%s%s; messages sent: %" PRIu64 "%s%s",
                  is_late ? "the broker did not confirm everything in time"
                          : sluice_error_detail(sender->s),
                  was_long ? " (its own --max-frame may be lower)" : "",
                  sender->sent, is_loss ? ", the last of them may be lost" : "",
                  is_denied ? "; the broker's log says why: " COMPLAIN_DEMANDS
                            : "");
    sender->has_lost |= is_loss;
}

/* The broker has read all that was sent to it on the last connection. */
static int sender_done(const struct sender *sender)
{
    if (sender->has_lost)
        return complain(EXIT_FAILED,
                        "messages sent: %" PRIu64
                        ", some of them may be lost with a connection",
                        sender->sent);
    if (sender->options.is_verbose)
        complain(EXIT_DONE, "sent %" PRIu64 " message%s", sender->sent,
                 sender->sent == 1 ? "" : "s");
    return EXIT_DONE;
}

/* --- one connection after another ---------------------------------------- */

/* Sends what the source has. SLUICE_OK: *status is set. Else the connection is
 * lost. */
static enum sluice_error sender_serve(struct sender *sender, int *status)
{
    enum source_result result = SOURCE_END;
    enum sluice_error error = sender_run(sender, &result);
    int source_error = errno;
    bool is_too_long = error == SLUICE_TOO_LONG ||
                       (result == SOURCE_FAILED && source_error == EMSGSIZE);
    if (error != SLUICE_OK && error != SLUICE_INTERRUPTED && !is_too_long)
        return error;
    error = sender_finish(sender);
    if (error != SLUICE_OK)
        return error;
    outage_on_success(&sender->outage);
    if (is_too_long || result == SOURCE_FAILED)
        *status = source_failure_complain(
            sender->source, is_too_long ? EMSGSIZE : source_error, sender->sent,
            sender->options.max_frame.value);
    else
        *status = sender_done(sender);
    return SLUICE_OK;
}

static bool sender_may_retry(const struct sender *sender,
                             enum sluice_error error)
{
    return sender->options.reconnects && !sender->is_ending &&
           !stop_signal_came() && !outage_is_final(&sender->outage, error);
}

/* One connection. False when another one is to be tried; else *status is the
 * exit status. */
static bool sender_attempt(struct sender *sender, int *status)
{
    struct sentence why;
    enum sluice_error error = sender_connect(sender);
    bool is_connected = error == SLUICE_OK;
    if (is_connected)
        error = sender_serve(sender, status);
    if (error == SLUICE_OK)
        return true;
    bool may_retry = sender_may_retry(sender, error);
    if (is_connected)
        sender_on_lost(sender, error, &why);
    else
        sentence_fail(&why, "%s", sluice_error_detail(sender->s));
    if (may_retry) {
        outage_on_lost(&sender->outage, why.text);
        if (outage_pause(&sender->outage))
            return false;
    }
    *status = is_connected || may_retry
                  ? complain(EXIT_FAILED, "%s", why.text)
                  : complain_unconnected(sender->s, error);
    return true;
}

/* Sends everything; returns the exit status. */
static int sender_send(struct sender *sender)
{
    int status;
    outage_init(&sender->outage, sender->options.target.server, false);
    channel_hint_print(sender->channel.data, CHANNEL_PUBLISH);
    while (!sender_attempt(sender, &status))
        ;
    return status;
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

/* Version 1 has neither receipts nor headers. */
static int send_confirmed(const struct sender *sender)
{
    const struct send_options *o = &sender->options;
    channel_hint_print(sender->channel.data, CHANNEL_PUBLISH);
    return confirmed_send(&(struct confirmed_plan){
        .target = &o->target,
        .channel = sender->channel.data,
        .source = sender->source,
        .options = &o->confirmed,
        .timeout_ms = (int)o->timeout_ms.value,
        .longest = (size_t)o->max_frame.value,
        .reconnects = o->reconnects,
        .is_verbose = o->is_verbose,
    });
}

static int send_run(int argc, char **argv)
{
    struct sender sender = {.notice_ms = -1, .give_up_ms = -1};
    int status;
    if (!command_parse(&command_send, &sender.options, &argc, argv, &status) ||
        !command_has_channel(&command_send, argc, argv, &status) ||
        !send_check(&sender.options, argc, &status))
        return status;
    sender.channel = sluice_text(argv[1]);
    sender.source = send_source(&sender.options, argc, argv);
    sender.s = sluice_new();
    if (!sender.source || !sender.s || !stop_signal_init())
        status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    else if (confirmed_is_wanted(&sender.options.confirmed) ||
             login_is_wanted(&sender.options.target.login))
        status = send_confirmed(&sender);
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
        "what --file names or --interval, --count and --size generate. A\n"
        "MESSAGE that is a single dash is all of standard input, as one\n"
        "message. '--' ends the options, for messages that begin with a\n"
        "dash.\n"
        "\n"
        "It exits with 0 when the broker has read everything. While a queue\n"
        "is full the broker makes its publishers wait, also this one; after\n"
        "a second it says so. When nothing is left to hand over it waits at\n"
        "most --timeout for the broker to confirm.\n"
        "\n"
        "With --reconnect it goes on with the next message. The broker does\n"
        "not confirm single messages: those sent just before a connection is\n"
        "lost may be lost with it, and then the exit status is 1.\n"
        "\n"
        "--confirm, --need-reader and -H need a broker of version 2. A "
        "receipt\n"
        "has the message's number in its channel, how many subscribers got "
        "it,\n"
        "and how many were too slow for it, or its place in the queue.\n"
        "\n"
        "  sluice send /topic/pictures --file cat.png\n"
        "  sluice send --confirm -H Unit=C /topic/temperature 21.5\n"
        "  uptime | sluice send /topic/load -\n",
    .options = send_options,
    .run = send_run,
};
