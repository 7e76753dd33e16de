/* SPDX-License-Identifier: MIT
 *
 * The token of a message is its number, from 1.
 */
#include "client/confirmed.h"

#include "client/complain.h"
#include "client/headers.h"
#include "client/lib/deadline.h"
#include "client/lib/units/units.h"
#include "client/opened.h"
#include "client/source_failure.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct confirmed {
    const struct send_plan *plan;
    struct sluice *s;
    struct outage outage;
    struct headers headers;
    struct sluice_bytes pending; /* from the source, not sent yet */
    bool has_pending;
    enum source_result result; /* the last one */
    int source_error;          /* errno of SOURCE_FAILED */
    bool is_finishing;         /* waits for the last receipts */
    uint64_t sent;
    uint64_t answered; /* of them */
    uint64_t failures; /* refused, or without a reader */
};

bool confirmed_is_wanted(const struct confirmed_options *o)
{
    return o->shows != CONFIRMED_NO || o->needs_reader;
}

/* --- receipts ------------------------------------------------------------ */

static void confirmed_show(const struct confirmed *c,
                           const struct sluice_event *e)
{
    bool is_queue = strncmp(c->plan->channel, "/queue", 6) == 0;
    fprintf(stderr, "seq=%" PRIu64 " subs=%" PRIu64 " %s=%" PRIu64 "%s\n",
            e->seq, e->subscribers, is_queue ? "held" : "drop",
            is_queue ? e->waiting : e->dropped, e->is_on_disk ? " sync=1" : "");
}

static void confirmed_on_receipt(struct confirmed *c,
                                 const struct sluice_event *e)
{
    c->answered++;
    outage_on_success(&c->outage);
    if (c->plan->options->shows != CONFIRMED_NO)
        confirmed_show(c, e);
    if (c->plan->options->shows == CONFIRMED_SYNC && !e->is_on_disk) {
        c->failures++;
        complain(EXIT_FAILED, "message %" PRIu64 ": %s is not durable",
                 e->token, c->plan->channel);
        return;
    }
    if (!c->plan->options->needs_reader || e->subscribers > 0)
        return;
    c->failures++;
    complain(EXIT_FAILED, "message %" PRIu64 ": no reader on %s", e->token,
             c->plan->channel);
}

static void confirmed_on_failed(struct confirmed *c,
                                const struct sluice_event *e)
{
    c->answered++;
    c->failures++;
    const char *reason = e->reason;
    if (strcmp(reason, "not-done") == 0)
        reason = "not sent: the broker said goodbye";
    else if (strcmp(reason, "unknown") == 0)
        reason = "perhaps lost with the connection";
    else if (strcmp(reason, "bad-option") == 0 &&
             c->plan->options->shows == CONFIRMED_SYNC)
        reason = "the broker does not confirm what is on disk";
    complain(EXIT_FAILED, "message %" PRIu64 ": %s%s%.*s", e->token, reason,
             e->body.length > 0 ? ": " : "", (int)e->body.length,
             (const char *)e->body.data);
}

static void confirmed_on_event(struct confirmed *c,
                               const struct sluice_event *e)
{
    if (e->kind == SLUICE_EVENT_RECEIPT)
        confirmed_on_receipt(c, e);
    else if (e->kind == SLUICE_EVENT_FAILED)
        confirmed_on_failed(c, e);
    else if (e->kind == SLUICE_EVENT_HOLD)
        complain(EXIT_DONE,
                 "waiting: the broker holds %s back (queue full, "
                 "slow subscriber, or the user's limits?)",
                 c->plan->channel);
    else if (e->kind == SLUICE_EVENT_OPEN)
        outage_on_connected(&c->outage);
    else if (e->kind == SLUICE_EVENT_END && c->plan->reconnects)
        outage_on_lost(&c->outage, e->body.data);
}

/* --- sending ------------------------------------------------------------- */

/* Until a new connection counts as sound; -1: there is none that does not. */
static int confirmed_sound_ms(const struct confirmed *c)
{
    int64_t sound_ms = c->outage.sound_ms;
    return sound_ms < 0 ? -1 : sluice_deadline_left(sound_ms);
}

/* Waits for an event, or for the source. */
static enum sluice_error confirmed_wait(struct confirmed *c, bool for_source,
                                        int timeout_ms)
{
    const struct sluice_event *e;
    const struct source *source = c->plan->source;
    bool has_fd = for_source && source->fd >= 0;
    if (for_source && source->due_ms >= 0)
        timeout_ms = sluice_deadline_left(source->due_ms);
    int sound_ms = confirmed_sound_ms(c);
    if (timeout_ms < 0 || (sound_ms >= 0 && sound_ms < timeout_ms))
        timeout_ms = sound_ms;
    enum sluice_error error = opened_next(c->s, &e, &source->fd, has_fd ? 1 : 0,
                                          timeout_ms, c->is_finishing);
    if (error == SLUICE_OK)
        confirmed_on_event(c, e);
    outage_on_time(&c->outage);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

static enum sluice_error confirmed_publish(struct confirmed *c)
{
    enum sluice_error error =
        sluice_publish_to(c->s, sluice_text(c->plan->channel), c->pending,
                          c->headers.list, c->sent + 1, SLUICE_NO_WAIT);
    if (error == SLUICE_AGAIN || error == SLUICE_HELD ||
        error == SLUICE_BACKLOG)
        return confirmed_wait(c, false, -1);
    if (error == SLUICE_OK) {
        c->has_pending = false;
        c->sent++;
    }
    return error;
}

/* Until the source has ended, or a stop signal came. */
static enum sluice_error confirmed_run(struct confirmed *c)
{
    enum sluice_error error = SLUICE_OK;
    while (error == SLUICE_OK && !stop_signal_came()) {
        if (!c->has_pending) {
            c->result = source_next(c->plan->source, &c->pending);
            c->source_error = errno;
            c->has_pending = c->result == SOURCE_MESSAGE;
        }
        if (c->has_pending)
            error = confirmed_publish(c);
        else if (c->result == SOURCE_WAIT)
            error = confirmed_wait(c, true, -1);
        else
            break;
    }
    return error;
}

/* The last receipts, then the goodbye. */
static enum sluice_error confirmed_finish(struct confirmed *c)
{
    enum sluice_error error = SLUICE_OK;
    sluice_deadline deadline = sluice_deadline_in(c->plan->timeout_ms);
    c->is_finishing = true;
    while (error == SLUICE_OK && c->answered < c->sent) {
        int left = sluice_deadline_left(deadline);
        if (left == 0)
            return SLUICE_TIMEOUT;
        error = confirmed_wait(c, false, left);
    }
    return error == SLUICE_OK ? sluice_close(c->s, c->plan->timeout_ms) : error;
}

/* --- the end ------------------------------------------------------------- */

static int confirmed_lost(const struct confirmed *c, enum sluice_error error)
{
    return complain(EXIT_FAILED,
                    "%s; messages confirmed: %" PRIu64 " of %" PRIu64,
                    error == SLUICE_TIMEOUT
                        ? "the broker did not confirm everything in time"
                        : sluice_error_detail(c->s),
                    c->answered - c->failures, c->sent);
}

static int confirmed_status(const struct confirmed *c)
{
    if (c->result == SOURCE_FAILED)
        return source_failure_complain(c->plan->source, c->source_error,
                                       c->sent, c->plan->longest);
    if (c->plan->is_verbose)
        complain(EXIT_DONE, "sent %" PRIu64 " message%s", c->sent,
                 c->sent == 1 ? "" : "s");
    return c->failures > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int confirmed_work(struct confirmed *c)
{
    int status;
    struct outage *outage = c->plan->reconnects ? &c->outage : NULL;
    if (sluice_set_max_message(c->s, c->plan->longest) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(c->s));
    if (c->plan->options->shows == CONFIRMED_SYNC &&
        sluice_set_sync(c->s, true) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(c->s));
    /* As in version 1, the exit status says that it is on disk. */
    if (c->plan->options->shows == CONFIRMED_NO &&
        !sluice_units_sync_durable(c->s))
        return complain(EXIT_FAILED, "%s", sluice_error_detail(c->s));
    if (!opened_begin(c->s, c->plan->target, c->plan->timeout_ms, outage,
                      &status))
        return status;
    enum sluice_error error = confirmed_run(c);
    if (error == SLUICE_OK || error == SLUICE_INTERRUPTED)
        error = confirmed_finish(c);
    return error == SLUICE_OK ? confirmed_status(c) : confirmed_lost(c, error);
}

int confirmed_send(const struct send_plan *plan)
{
    struct confirmed c = {.plan = plan, .result = SOURCE_END};
    struct sentence why;
    if (!headers_read(&c.headers, &plan->options->headers, &why))
        return complain(EXIT_USAGE, "%s", why.text);
    outage_init(&c.outage, plan->target->server, false);
    c.s = sluice_new();
    int status =
        c.s ? confirmed_work(&c)
            : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    sluice_free(c.s);
    return status;
}
