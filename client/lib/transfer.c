/* SPDX-License-Identifier: MIT */
#include "client/lib/transfer.h"

#include <errno.h>
#include <poll.h>

/* An orderly end of file: nothing half received, nothing left to send. */
static void transfer_on_eof(struct sluice *s)
{
    enum sluice_error error = SLUICE_BROKEN;
    const char *sentence = "the broker closed the connection";
    if (sluice_inbox_waiting(&s->in) > 0)
        sentence = "the broker closed the connection inside a message";
    else if (!sluice_outbox_is_empty(&s->out))
        sentence =
            "the broker closed the connection before it had read everything";
    else
        error = SLUICE_CLOSED;
    sluice_handle_end(s, SLUICE_STATE_ENDED, error, sentence);
}

/* The socket or TLS has failed, as errno says. */
static void transfer_on_failure(struct sluice *s, enum sluice_state state)
{
    const struct sluice_failure *tls = sluice_wire_failure(&s->wire);
    if (tls)
        sluice_handle_end(s, state, tls->error, tls->sentence);
    else
        sluice_handle_end_errno(s, state, errno);
}

enum sluice_error sluice_transfer_read(struct sluice *s)
{
    ssize_t n = sluice_inbox_fill(&s->in, &s->wire);
    if (n < 0 && errno == EAGAIN)
        return SLUICE_AGAIN;
    if (n < 0)
        transfer_on_failure(s, SLUICE_STATE_ENDED);
    if (n == 0)
        transfer_on_eof(s);
    return SLUICE_OK;
}

enum sluice_error sluice_transfer_write(struct sluice *s,
                                        struct sluice_bytes *body)
{
    if (sluice_outbox_write(&s->out, &s->wire, body))
        return SLUICE_OK;
    if (errno == EAGAIN)
        return SLUICE_AGAIN;
    transfer_on_failure(s, SLUICE_STATE_BROKEN);
    return s->end;
}

enum sluice_error sluice_transfer_flush(struct sluice *s)
{
    struct sluice_bytes nothing = {NULL, 0};
    return sluice_outbox_is_empty(&s->out) ? SLUICE_AGAIN
                                           : sluice_transfer_write(s, &nothing);
}

enum sluice_error sluice_transfer_await(struct sluice *s, short events,
                                        sluice_deadline deadline,
                                        const char *late)
{
    if (deadline == SLUICE_DEADLINE_NOW)
        return SLUICE_AGAIN;
    struct pollfd waiting = {.fd = s->wire.fd, .events = events};
    int n = poll(&waiting, 1, sluice_deadline_left(deadline));
    if (n > 0)
        return SLUICE_OK;
    if (n == 0)
        return sluice_failure_set(&s->failure, SLUICE_TIMEOUT, "%s", late);
    return sluice_failure_set(&s->failure, SLUICE_INTERRUPTED,
                              "interrupted by a signal");
}

enum sluice_error sluice_transfer_await_room(struct sluice *s,
                                             sluice_deadline deadline)
{
    if (deadline == SLUICE_DEADLINE_NOW)
        return SLUICE_AGAIN;
    if (sluice_inbox_waiting(&s->in) >= SLUICE_READ_AHEAD)
        return sluice_failure_set(&s->failure, SLUICE_BACKLOG,
                                  "received messages must be taken first");
    enum sluice_error error = SLUICE_OK;
    if (!sluice_wire_has_more(&s->wire))
        error =
            sluice_transfer_await(s, sluice_wire_events(&s->wire, true),
                                  deadline, "the broker took no more in time");
    if (error != SLUICE_OK)
        return error;
    if (sluice_transfer_read(s) == SLUICE_OK && sluice_handle_is_over(s))
        return s->end;
    return SLUICE_OK; /* or that there is nothing to read: then there is room */
}
