/* SPDX-License-Identifier: MIT */
#include "client/lib/units/pump.h"

#include "client/lib/units/link.h"
#include "client/lib/units/taker.h"
#include "client/lib/units/units.h"

#include <errno.h>
#include <poll.h>

static bool pump_is_connected(const struct sluice *s)
{
    return s->units->link.state >= SLUICE_LINK_OPENING;
}

/* A broker that reads no more may still have sent the reason. */
enum sluice_error sluice_pump_write(struct sluice *s)
{
    struct sluice_link *link = &s->units->link;
    struct sluice_bytes nothing = {NULL, 0};
    link->is_urgent = false;
    if (!pump_is_connected(s) || sluice_outbox_is_empty(&s->out))
        return SLUICE_AGAIN;
    if (!link->is_deaf && sluice_outbox_write(&s->out, &s->wire, &nothing))
        return SLUICE_OK;
    if (!link->is_deaf && errno == EAGAIN)
        return SLUICE_AGAIN;
    link->is_deaf = true;
    s->out.head = s->out.tail = 0;
    return SLUICE_OK;
}

/* A server that is not what it must be will not be so the next time, either;
 * a connection that was cut may. */
static void pump_fail(struct sluice *s, int error)
{
    const struct sluice_failure *tls = sluice_wire_failure(&s->wire);
    if (!tls)
        sluice_link_lose_errno(s, error);
    else if (tls->error == SLUICE_BROKEN)
        sluice_link_lose(s, false, tls->sentence);
    else
        sluice_link_fail(s, tls->error, tls->sentence);
}

static enum sluice_error pump_read(struct sluice *s)
{
    ssize_t n = sluice_inbox_fill(&s->in, &s->wire);
    if (n > 0)
        sluice_link_heard(s);
    else if (n == 0)
        sluice_link_lose(s, false, NULL);
    else if (errno == EAGAIN)
        return SLUICE_AGAIN;
    else
        pump_fail(s, errno);
    return SLUICE_OK;
}

short sluice_pump_events(const struct sluice *s)
{
    if (s->units->link.state == SLUICE_LINK_DIALING)
        return POLLOUT;
    if (!pump_is_connected(s))
        return 0;
    return sluice_wire_events(&s->wire, !sluice_outbox_is_empty(&s->out));
}

int sluice_pump_fd(const struct sluice *s)
{
    return s->wire.fd >= 0 ? s->wire.fd : s->units->link.approach.fd;
}

/* For the socket, for what the link has to do by the clock, or for the caller's
 * deadline, whichever is first. */
static enum sluice_error pump_wait(struct sluice *s, sluice_deadline deadline,
                                   const char *late)
{
    if (deadline == SLUICE_DEADLINE_NOW)
        return SLUICE_AGAIN;
    sluice_deadline due = sluice_link_due(s);
    sluice_deadline first = due < deadline ? due : deadline;
    struct pollfd waiting = {.fd = sluice_pump_fd(s),
                             .events = sluice_pump_events(s)};
    int n = poll(&waiting, 1, sluice_deadline_left(first));
    if (n < 0)
        return sluice_failure_set(&s->failure, SLUICE_INTERRUPTED,
                                  "interrupted by a signal");
    if (n > 0 || sluice_deadline_left(deadline) != 0)
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_TIMEOUT, "%s", late);
}

enum sluice_error sluice_pump_step(struct sluice *s, sluice_deadline deadline,
                                   const char *late)
{
    struct sluice_link *link = &s->units->link;
    if (link->state == SLUICE_LINK_ENDED)
        return s->end;
    if (pump_is_connected(s)) {
        if (sluice_taker_take(s))
            return SLUICE_OK;
        bool is_written = sluice_pump_write(s) == SLUICE_OK;
        if (pump_read(s) == SLUICE_OK || is_written)
            return SLUICE_OK;
    } else if (link->state == SLUICE_LINK_DIALING &&
               sluice_link_dial(s) == SLUICE_OK) {
        return SLUICE_OK;
    }
    return sluice_link_tick(s) ? SLUICE_OK : pump_wait(s, deadline, late);
}

enum sluice_error sluice_pump_keep(struct sluice *s, uint64_t token,
                                   bool *is_found)
{
    struct sluice_units *u = s->units;
    const struct sluice_reader *owner;
    for (;;) {
        if (u->kept.bytes >= SLUICE_READ_AHEAD)
            return sluice_failure_set(
                &s->failure, SLUICE_BACKLOG,
                "events that arrived must be taken first");
        if (!sluice_taker_make(s, &u->spare, &owner))
            return SLUICE_OK;
        if (!sluice_kept_push(&u->kept, &u->spare.event, owner,
                              owner && owner->acks))
            return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                      "out of memory: an event was dropped");
        if (is_found && sluice_kept_is_answer(&u->spare.event, token))
            *is_found = true;
    }
}

enum sluice_error sluice_pump_keep_and_step(struct sluice *s,
                                            sluice_deadline deadline,
                                            const char *late)
{
    enum sluice_error error = sluice_pump_keep(s, 0, NULL);
    return error == SLUICE_OK ? sluice_pump_step(s, deadline, late) : error;
}
