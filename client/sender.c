/* SPDX-License-Identifier: MIT */
#include "client/sender.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/outage.h"
#include "client/source_failure.h"
#include "client/stop_signal.h"
#include "client/wait_notice.h"
#include "client/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

enum {
    SENDER_PUMP_MAX = 1000, /* messages read at once, from a broker that sends
                               what it does not owe */
};

struct sender {
    const struct send_plan *plan;
    struct sluice *s;
    struct outage outage;
    struct sluice_bytes pending; /* from the source, not taken by the library */
    bool has_pending;
    bool has_lost;  /* messages, perhaps, with an earlier connection */
    bool is_ending; /* nothing is left to send */
    uint64_t sent;  /* messages the library took */
    uint64_t kept;  /* of these, on earlier connections */
    size_t longest; /* bytes of a message sent */
    struct wait_notice notice;
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
        sender->give_up_ms = sluice_deadline_clock() + sender->plan->timeout_ms;
}

static bool sender_has_time(const struct sender *sender)
{
    return sender->give_up_ms < 0 ||
           sluice_deadline_left(sender->give_up_ms) > 0;
}

/* `fd` and `due_ms` may be -1. */
static void sender_wait(struct sender *sender, int fd, int64_t due_ms)
{
    due_ms = sender_earlier(due_ms, sender->notice.due_ms);
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
    wait_notice_begin(&sender->notice);
    sender_wait(sender, -1, -1);
    wait_notice_print(&sender->notice, what);
}

/* Sends the buffered bytes, and reads: nothing comes (SLUICE_AGAIN), or the end
 * of the connection. */
static enum sluice_error sender_pump(struct sender *sender)
{
    struct sluice_bytes ignored;
    enum sluice_error error = SLUICE_OK;
    for (int i = 0; i < SENDER_PUMP_MAX && error == SLUICE_OK; i++)
        error = sluice_receive(sender->s, &ignored, SLUICE_NO_WAIT);
    return error == SLUICE_OK ? SLUICE_AGAIN : error;
}

/* --- the steps ----------------------------------------------------------- */

static enum sluice_error sender_connect(struct sender *sender)
{
    const struct send_plan *plan = sender->plan;
    enum sluice_error error = sluice_set_max_message(sender->s, plan->longest);
    if (error != SLUICE_OK)
        return error;
    error = target_connect(plan->target, sender->s, plan->timeout_ms);
    if (error != SLUICE_OK)
        return error;
    sender->kept = sender->sent;
    wait_notice_end(&sender->notice);
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
    wait_notice_end(&sender->notice);
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
        enum sluice_error error =
            sluice_publish(sender->s, sluice_text(sender->plan->channel),
                           sender->pending, SLUICE_NO_WAIT);
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
    sender_wait(sender, sender->plan->source->fd, sender->plan->source->due_ms);
    return SLUICE_OK;
}

/* Publishes until the source has ended or failed, or an error occurs. */
static enum sluice_error sender_run(struct sender *sender,
                                    enum source_result *result)
{
    enum sluice_error error = SLUICE_OK;
    while (error == SLUICE_OK && !stop_signal_came()) {
        if (!sender->has_pending) {
            *result = source_next(sender->plan->source, &sender->pending);
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
                     !sender->plan->reconnects && sender->sent <= 1;
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
    if (sender->plan->is_verbose)
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
        *status = source_failure_complain(sender->plan->source,
                                          is_too_long ? EMSGSIZE : source_error,
                                          sender->sent, sender->plan->longest);
    else
        *status = sender_done(sender);
    return SLUICE_OK;
}

static bool sender_may_retry(const struct sender *sender,
                             enum sluice_error error)
{
    return sender->plan->reconnects && !sender->is_ending &&
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

int sender_send(const struct send_plan *plan)
{
    struct sender sender = {.plan = plan, .give_up_ms = -1};
    int status;
    sender.s = sluice_new();
    if (!sender.s)
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    outage_init(&sender.outage, plan->target->server, false);
    wait_notice_init(&sender.notice, plan->channel);
    while (!sender_attempt(&sender, &status))
        ;
    sluice_free(sender.s);
    return status;
}
