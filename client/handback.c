/* SPDX-License-Identifier: MIT */
#include "client/handback.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/target.h"

#include <inttypes.h>

/* `error` is that of a call on `s`, which is NULL without memory. */
static void handback_fail(struct handback *h, const struct sluice *s,
                          enum sluice_error error)
{
    const char *why = s ? sluice_error_detail(s) : "out of memory";
    if (error == SLUICE_AGAIN || error == SLUICE_TIMEOUT)
        why = "the time is up, see --timeout";
    if (!h->has_failed)
        sentence_fail(&h->why, "%s", why);
    h->has_failed = true;
}

/* The connection to publish on; NULL after a failure. */
static struct sluice *handback_open(struct handback *h, int64_t due_ms)
{
    struct sluice *to = sluice_new();
    enum sluice_error error = SLUICE_NO_MEMORY;
    if (to)
        error = sluice_set_max_message(to, h->max_frame);
    if (error == SLUICE_OK)
        error = target_connect(h->target, to, sluice_deadline_left(due_ms));
    if (error == SLUICE_OK)
        return to;
    handback_fail(h, to, error);
    sluice_free(to);
    return NULL;
}

/* A stop signal interrupts a call once; this is the answer to it already. */
static enum sluice_error
handback_next(struct sluice *s, struct sluice_bytes *message, int64_t due_ms)
{
    enum sluice_error error;
    do
        error = sluice_receive(s, message, sluice_deadline_left(due_ms));
    while (error == SLUICE_INTERRUPTED);
    return sluice_deadline_left(due_ms) > 0 ? error : SLUICE_TIMEOUT;
}

static void handback_put(struct handback *h, struct sluice *to,
                         struct sluice_bytes message, int64_t due_ms)
{
    enum sluice_error error;
    do
        error = sluice_publish(to, h->channel, message,
                               sluice_deadline_left(due_ms));
    while (error == SLUICE_INTERRUPTED);
    if (error != SLUICE_OK)
        handback_fail(h, to, error);
}

/* Only the answer to a goodbye says that the broker has them. */
static void handback_close(struct handback *h, struct sluice *to,
                           int64_t due_ms)
{
    enum sluice_error error = SLUICE_OK;
    if (!h->has_failed)
        error = sluice_close(to, sluice_deadline_left(due_ms));
    if (error != SLUICE_OK)
        handback_fail(h, to, error);
    sluice_free(to);
}

void handback_all(struct handback *h, struct sluice *s)
{
    int64_t due_ms = sluice_deadline_clock() + h->timeout_ms;
    struct sluice *to = NULL;
    struct sluice_bytes message;
    sluice_set_read_ahead(s, true); /* all of it is to come now, and fast */
    enum sluice_error error = sluice_goodbye(s);
    if (error == SLUICE_TOO_LONG || error == SLUICE_FOREIGN)
        return; /* reported already, and nothing more can be received */
    while ((error = handback_next(s, &message, due_ms)) == SLUICE_OK) {
        h->messages++;
        if (h->is_queue && !h->has_failed && !to)
            to = handback_open(h, due_ms);
        if (to && !h->has_failed)
            handback_put(h, to, message, due_ms);
    }
    if (h->is_queue && error != SLUICE_CLOSED)
        handback_fail(h, s, error);
    if (to)
        handback_close(h, to, due_ms);
}

/* What was received is known; what was still to come is not. */
static void handback_report_failure(const struct handback *h, const char *s)
{
    if (h->messages == 0)
        complain(EXIT_FAILED,
                 "messages that were on their way to this listener may be "
                 "lost: %s",
                 h->why.text);
    else
        complain(EXIT_FAILED,
                 "at least %" PRIu64 " more message%s had been given to this "
                 "listener and may be lost: %s",
                 h->messages, s, h->why.text);
}

bool handback_report(const struct handback *h, bool is_quiet)
{
    const char *s = h->messages == 1 ? "" : "s";
    if (h->has_failed)
        handback_report_failure(h, s);
    else if (h->messages > 0 && !is_quiet && h->is_queue)
        complain(EXIT_DONE,
                 "%" PRIu64 " more message%s had been given to this listener: "
                 "handed back, to the end of the queue",
                 h->messages, s);
    else if (h->messages > 0 && !is_quiet)
        handback_report_unused(h->messages);
    return !h->has_failed;
}

void handback_report_unused(uint64_t messages)
{
    complain(EXIT_DONE,
             "%" PRIu64 " more message%s had come, and not been used", messages,
             messages == 1 ? "" : "s");
}
