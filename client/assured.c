/* SPDX-License-Identifier: MIT
 *
 * The message that is sent next is a copy, because its source is asked first
 * for the one behind it: the last before a pause is the one with the receipt.
 * It is kept until that has come, since a broker whose disk is full refuses
 * such a message, where in version 1 it would make its publisher wait.
 */
#include "client/assured.h"

#include "client/complain.h"
#include "client/confirmed.h"
#include "client/lib/deadline.h"
#include "client/lib/units/units.h"
#include "client/opened.h"
#include "client/source_failure.h"
#include "client/stop_signal.h"
#include "client/wait_notice.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { ASSURED_AGAIN_MS = 250 /* until a full disk is tried again */ };

struct assured {
    const struct send_plan *plan;
    struct sluice *s;
    struct outage outage;
    struct wait_notice notice;
    struct headers headers;
    enum source_result result; /* the last one */
    int source_error;          /* errno of SOURCE_FAILED */
    struct sluice_bytes next;  /* from the source, behind `pending` */
    bool has_next;
    uint64_t longest; /* bytes of it that we and the broker take */
    char *room;       /* of `pending`; NULL before the first message */
    size_t room_bytes;
    struct sluice_bytes pending; /* sent next, or sent and not confirmed */
    bool has_pending;
    bool is_asked;           /* it was sent, and its receipt has not come */
    int64_t again_ms;        /* a full disk refused it: when it is sent again;
                                else -1 */
    int64_t give_up_ms;      /* -1: not yet limited */
    bool is_draining;        /* the broker stops: it takes no more */
    struct sentence refusal; /* "" when the broker has refused nothing */
    bool has_lost;           /* messages, perhaps, with a connection */
    uint64_t sent, certain;  /* messages */
};

/* --- events -------------------------------------------------------------- */

/* Of `pending`: the receipt has come, or never will. */
static void assured_settle(struct assured *a)
{
    a->is_asked = a->has_pending = false;
}

static void assured_on_receipt(struct assured *a)
{
    assured_settle(a);
    a->certain = a->sent;
    wait_notice_end(&a->notice);
    outage_on_success(&a->outage);
}

/* `pending` was not taken, and may be later. */
static void assured_take_back(struct assured *a)
{
    if (a->is_asked)
        a->sent--;
    a->is_asked = false;
}

/* Only `pending` has a token. */
static void assured_on_failed(struct assured *a, const struct sluice_event *e)
{
    bool is_full = strcmp(e->reason, "full") == 0 && e->token != 0;
    if (is_full)
        a->again_ms = sluice_deadline_clock() + ASSURED_AGAIN_MS;
    if (strcmp(e->reason, "draining") == 0)
        a->is_draining = true;
    if (is_full || a->is_draining || strcmp(e->reason, "not-done") == 0) {
        assured_take_back(a);
        return;
    }
    if (e->token != 0)
        assured_settle(a);
    if (strcmp(e->reason, "unknown") != 0 && a->refusal.text[0] == '\0')
        sentence_fail(&a->refusal, "%s%s%.*s", e->reason,
                      e->body.length > 0 ? ": " : "", (int)e->body.length,
                      (const char *)e->body.data);
}

static void assured_on_end(struct assured *a, const struct sluice_event *e)
{
    a->has_lost |= a->sent > a->certain;
    a->certain = a->sent;
    if (a->plan->reconnects)
        outage_on_lost(&a->outage, e->body.data);
}

static void assured_on_open(struct assured *a)
{
    a->is_draining = false;
    wait_notice_end(&a->notice);
    outage_on_connected(&a->outage);
}

static void assured_on_event(struct assured *a, const struct sluice_event *e)
{
    if (e->kind == SLUICE_EVENT_RECEIPT)
        assured_on_receipt(a);
    else if (e->kind == SLUICE_EVENT_FAILED)
        assured_on_failed(a, e);
    else if (e->kind == SLUICE_EVENT_DRAIN)
        a->is_draining = true;
    else if (e->kind == SLUICE_EVENT_OPEN)
        assured_on_open(a);
    else if (e->kind == SLUICE_EVENT_END)
        assured_on_end(a, e);
}

/* --- waiting ------------------------------------------------------------- */

static int64_t assured_earlier(int64_t a_ms, int64_t b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

/* For an event, and for one descriptor; `fd` and `due_ms` may be -1. */
static enum sluice_error assured_wait(struct assured *a, int fd, int64_t due_ms)
{
    const struct sluice_event *e;
    due_ms = assured_earlier(due_ms, a->notice.due_ms);
    due_ms = assured_earlier(due_ms, a->give_up_ms);
    due_ms = assured_earlier(due_ms, a->outage.sound_ms);
    int left_ms = due_ms < 0 ? -1 : sluice_deadline_left(due_ms);
    enum sluice_error error = opened_next(a->s, &e, &fd, fd >= 0 ? 1 : 0,
                                          left_ms, stop_signal_came());
    if (error == SLUICE_OK)
        assured_on_event(a, e);
    outage_on_time(&a->outage);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

/* Waits for the broker, to which `what` refers. */
static enum sluice_error assured_await(struct assured *a, const char *what)
{
    wait_notice_begin(&a->notice);
    enum sluice_error error = assured_wait(a, -1, a->again_ms);
    wait_notice_print(&a->notice, what);
    return error;
}

/* --- sending ------------------------------------------------------------- */

/* False without memory. */
static bool assured_copy(struct assured *a, struct sluice_bytes message)
{
    if (message.length > a->room_bytes) {
        free(a->room);
        a->room = malloc(message.length);
        a->room_bytes = a->room ? message.length : 0;
    }
    if (!a->room && message.length > 0)
        return false;
    if (message.length > 0)
        memcpy(a->room, message.data, message.length);
    a->pending = (struct sluice_bytes){a->room, message.length};
    return true;
}

/* What cannot be sent is the end of the source, so that the message before it
 * has a receipt. */
static void assured_look_ahead(struct assured *a)
{
    uint64_t most = a->s->units->link.max;
    a->longest = most < a->plan->longest ? most : a->plan->longest;
    a->result = source_next(a->plan->source, &a->next);
    a->source_error = errno;
    if (a->result == SOURCE_MESSAGE && a->next.length > a->longest) {
        a->result = SOURCE_FAILED;
        a->source_error = EMSGSIZE;
    }
    a->has_next = a->result == SOURCE_MESSAGE;
}

/* Asks the source for what is behind `pending`, and moves up. False without
 * memory. */
static bool assured_advance(struct assured *a)
{
    if (!a->has_next && a->result <= SOURCE_WAIT)
        assured_look_ahead(a);
    if (a->has_pending || !a->has_next)
        return true;
    if (!assured_copy(a, a->next))
        return false;
    a->has_pending = true;
    assured_look_ahead(a);
    return true;
}

static void assured_on_taken(struct assured *a, uint64_t token)
{
    a->sent++;
    a->again_ms = -1;
    a->is_asked = token != 0;
    a->has_pending = token != 0;
    if (token == 0)
        wait_notice_end(&a->notice);
}

/* A step with `pending`, which is not asked for: sends it, or waits. */
static enum sluice_error assured_publish(struct assured *a)
{
    uint64_t token = a->has_next ? 0 : a->sent + 1;
    if (a->again_ms >= 0 && sluice_deadline_left(a->again_ms) > 0)
        return assured_await(a, "the broker's disk is full");
    a->again_ms = -1;
    if (a->is_draining)
        return assured_await(a, "the broker is stopping");
    enum sluice_error error =
        sluice_publish_to(a->s, sluice_text(a->plan->channel), a->pending,
                          a->headers.list, token, SLUICE_NO_WAIT);
    if (error == SLUICE_OK)
        assured_on_taken(a, token);
    bool is_late = error == SLUICE_AGAIN || error == SLUICE_HELD ||
                   error == SLUICE_BACKLOG;
    return is_late ? assured_await(a, "the broker takes no more") : error;
}

static bool assured_is_over(const struct assured *a)
{
    return a->refusal.text[0] != '\0' || stop_signal_came();
}

/* Until the last message was sent for the first time, or the broker refuses, or
 * a stop signal came. */
static enum sluice_error assured_run(struct assured *a)
{
    static const char unanswered[] = "the broker has not confirmed everything";
    const struct source *source = a->plan->source;
    enum sluice_error error = SLUICE_OK;
    while (error == SLUICE_OK && !assured_is_over(a)) {
        bool was_sent = a->is_asked || a->again_ms >= 0;
        if (!assured_advance(a))
            return SLUICE_NO_MEMORY;
        if (a->result > SOURCE_WAIT && !a->has_next &&
            (was_sent || !a->has_pending))
            break;
        if (a->is_asked)
            error = assured_await(a, unanswered);
        else if (a->has_pending)
            error = assured_publish(a);
        else
            error = assured_wait(a, source->fd, source->due_ms);
    }
    return error;
}

/* The last receipt, then the goodbye. There is no limit while the kernel takes
 * no more. */
static enum sluice_error assured_finish(struct assured *a)
{
    enum sluice_error error = SLUICE_OK;
    a->has_next = false;
    while (error == SLUICE_OK && a->has_pending && a->refusal.text[0] == '\0') {
        bool is_handed = (sluice_events(a->s) & POLLOUT) == 0;
        if (a->give_up_ms < 0 && (is_handed || stop_signal_came()))
            a->give_up_ms = sluice_deadline_clock() + a->plan->timeout_ms;
        if (a->give_up_ms >= 0 && sluice_deadline_left(a->give_up_ms) == 0)
            return SLUICE_TIMEOUT;
        error = a->is_asked ? assured_await(a, "the broker has not confirmed "
                                               "everything")
                            : assured_publish(a);
    }
    return error == SLUICE_OK ? sluice_close(a->s, a->plan->timeout_ms) : error;
}

/* --- the end ------------------------------------------------------------- */

static int assured_lost(const struct assured *a, enum sluice_error error)
{
    bool is_loss = a->has_lost || a->sent > a->certain;
    return complain(EXIT_FAILED, "%s; messages sent: %" PRIu64 "%s",
                    error == SLUICE_TIMEOUT
                        ? "the broker did not confirm everything in time"
                    : error == SLUICE_NO_MEMORY ? "out of memory"
                                                : sluice_error_detail(a->s),
                    a->sent, is_loss ? ", the last of them may be lost" : "");
}

static int assured_status(const struct assured *a)
{
    if (a->refusal.text[0] != '\0')
        return complain(EXIT_FAILED,
                        "the broker refuses a message to %s: %s; messages "
                        "sent: %" PRIu64,
                        a->plan->channel, a->refusal.text, a->sent);
    if (a->result == SOURCE_FAILED)
        return source_failure_complain(a->plan->source, a->source_error,
                                       a->sent, a->longest);
    if (a->has_lost)
        return complain(EXIT_FAILED,
                        "messages sent: %" PRIu64
                        ", some of them may be lost with a connection",
                        a->sent);
    if (a->plan->is_verbose)
        complain(EXIT_DONE, "sent %" PRIu64 " message%s", a->sent,
                 a->sent == 1 ? "" : "s");
    return EXIT_DONE;
}

/* Once it is connected. */
static int assured_work(struct assured *a)
{
    enum sluice_error error = assured_run(a);
    if (error == SLUICE_OK || error == SLUICE_INTERRUPTED)
        error = assured_finish(a);
    return error == SLUICE_OK ? assured_status(a) : assured_lost(a, error);
}

/* SLUICE_OK: *status is set. Else it cannot be connected. */
static enum sluice_error assured_serve(struct assured *a, int *status)
{
    struct outage *outage = a->plan->reconnects ? &a->outage : NULL;
    enum sluice_error error = sluice_set_max_message(a->s, a->plan->longest);
    if (error == SLUICE_OK && !sluice_units_sync_durable(a->s))
        error = SLUICE_NO_MEMORY;
    if (error == SLUICE_OK)
        error =
            opened_reach(a->s, a->plan->target, a->plan->timeout_ms, outage);
    if (error == SLUICE_OK)
        *status = assured_work(a);
    return error;
}

bool assured_send(const struct send_plan *plan, bool is_needed, int *status)
{
    struct assured a = {
        .plan = plan, .result = SOURCE_WAIT, .again_ms = -1, .give_up_ms = -1};
    struct sentence why;
    if (!headers_read(&a.headers, &plan->options->headers, &why)) {
        *status = complain(EXIT_USAGE, "%s", why.text);
        return true;
    }
    outage_init(&a.outage, plan->target->server, false);
    wait_notice_init(&a.notice, plan->channel);
    a.s = sluice_new();
    if (!a.s) {
        *status = complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
        return true;
    }
    enum sluice_error error = assured_serve(&a, status);
    bool is_spoken = is_needed || error != SLUICE_UNSUPPORTED;
    if (error != SLUICE_OK && is_spoken)
        *status = opened_complain(a.s, error);
    sluice_free(a.s);
    free(a.room);
    return is_spoken;
}
