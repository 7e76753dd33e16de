/* SPDX-License-Identifier: MIT */
#include "client/listen/listening.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/stop_signal.h"
#include "client/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

/* --- stopping ------------------------------------------------------------ */

bool listening_is_leaving(const struct listening *l)
{
    return l->give_up_ms >= 0;
}

/* The broker sends the messages still due, and closes. */
static void listening_on_stop(struct listening *l)
{
    enum sluice_error error = sluice_goodbye(l->s);
    (void)error; /* if it fails, the next message is its error */
    l->give_up_ms = sluice_deadline_clock() + l->plan.timeout_ms;
}

/* True when nothing more is to be taken: a command that ran has ended by now,
 * and no other one begins. */
static bool listening_is_stopped(struct listening *l)
{
    if (stop_signal_came() && !listening_is_leaving(l) && !l->plan.command)
        listening_on_stop(l);
    return stop_signal_came() && l->plan.command;
}

static bool listening_is_late(const struct listening *l)
{
    return listening_is_leaving(l) && sluice_deadline_left(l->give_up_ms) == 0;
}

/* --- messages ------------------------------------------------------------ */

/* A reader that went away is not a failure: sluice listen ... | head. */
static enum listening_step listening_on_unwritable(const struct listening *l)
{
    if (errno == EPIPE)
        return LISTENING_DONE;
    complain(EXIT_FAILED, "%s: %s",
             l->plan.command ? "cannot run a command"
                             : "cannot write to standard output",
             strerror(errno));
    return LISTENING_FAILED;
}

/* False, with errno. */
static bool listening_print_or_run(struct listening *l,
                                   const struct sluice_event *e)
{
    if (l->plan.command)
        return runner_run(&l->runner, e->body);
    l->printer.channel = e->channel;
    l->printer.headers = e->headers;
    return printer_put(&l->printer, e->body);
}

static enum listening_step listening_put(struct listening *l,
                                         const struct sluice_event *e)
{
    if (!listening_print_or_run(l, e))
        return listening_on_unwritable(l);
    l->taken++;
    news_on_message(&l->news);
    bool is_last = l->taken == l->plan.count;
    if (!l->wire->settle(l, e, is_last))
        return listening_on_unwritable(l);
    /* Looked at after each message: the broker may never pause. */
    return is_last || listening_is_late(l) ? LISTENING_DONE : LISTENING_GO;
}

/* Why there is nothing more to receive. */
static enum listening_step listening_on_end(struct listening *l,
                                            enum sluice_error error)
{
    if (listening_is_leaving(l))
        return LISTENING_DONE;
    if (error == SLUICE_TOO_LONG)
        complain(EXIT_FAILED, "%s of %zu bytes; raise --max-frame",
                 sluice_error_detail(l->s), l->plan.max_frame);
    else if (error == SLUICE_FOREIGN)
        complain(EXIT_FAILED, "%s", sluice_error_detail(l->s));
    else if (error != SLUICE_REFUSED) /* which is reported already */
        return LISTENING_LOST;
    return LISTENING_FAILED;
}

/* Writes out the messages that are there. GO: no more for now. */
static enum listening_step listening_take(struct listening *l)
{
    for (;;) {
        if (listening_is_stopped(l))
            return LISTENING_DONE;
        const struct sluice_event *e;
        enum sluice_error error = l->wire->next(l, &e);
        if (error == SLUICE_AGAIN)
            return LISTENING_GO;
        if (error != SLUICE_OK)
            return listening_on_end(l, error);
        enum listening_step step = listening_put(l, e);
        if (step != LISTENING_GO)
            return step;
    }
}

/* --- waiting ------------------------------------------------------------- */

/* For what the handle has to do, or for `due_ms`; -1: neither. */
static int listening_wait_ms(const struct listening *l, int64_t due_ms)
{
    int left = due_ms < 0 ? -1 : sluice_deadline_left(due_ms);
    int own = sluice_wait_ms(l->s);
    return own >= 0 && (left < 0 || own < left) ? own : left;
}

static enum listening_step listening_wait(struct listening *l)
{
    struct watch watch = {
        .s = l->s,
        .fd = l->printer.fd, /* notices that its reader went away */
        .is_stopping = listening_is_leaving(l),
        .timeout_ms = listening_wait_ms(
            l, listening_is_leaving(l) ? l->give_up_ms : news_due_ms(&l->news)),
    };
    if (watch_wait(&watch) & POLLERR || listening_is_late(l))
        return LISTENING_DONE;
    news_on_time(&l->news);
    return LISTENING_GO;
}

enum listening_step listening_serve(struct listening *l)
{
    enum listening_step step;
    do {
        step = listening_take(l);
        if (!l->plan.command && !printer_flush(&l->printer))
            return listening_on_unwritable(l);
        if (step == LISTENING_GO)
            step = listening_wait(l);
    } while (step == LISTENING_GO);
    return step;
}
