/* SPDX-License-Identifier: MIT
 *
 * An orderly end. An end of file proves that the broker has read everything
 * only if it comes after the goodbye, so an earlier one is looked for first.
 * (One that comes in the moment between cannot be distinguished; version 1 of
 * the protocol has no better proof.)
 */
#include "client/lib/transfer.h"

#include <errno.h>

enum sluice_error sluice_goodbye(struct sluice *s)
{
    sluice_handle_assert(s);
    if (s->protocol)
        return s->protocol->goodbye(s);
    if (s->state == SLUICE_STATE_CONNECTED)
        sluice_handle_become_publisher(s);
    if (s->state != SLUICE_STATE_PUBLISHING &&
        s->state != SLUICE_STATE_SUBSCRIBED)
        return sluice_handle_bad_state(s);
    if (sluice_transfer_read(s) == SLUICE_OK && sluice_handle_is_over(s))
        return s->end;
    static const uint8_t empty_name[FRAME_HEAD_BYTES];
    struct sluice_bytes goodbye = {empty_name, sizeof empty_name};
    if (!sluice_outbox_append(&s->out, goodbye)) {
        sluice_handle_end_errno(s, SLUICE_STATE_BROKEN, ENOMEM);
        return s->end;
    }
    s->state = SLUICE_STATE_LEAVING;
    enum sluice_error error = sluice_transfer_flush(s);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

/* Drops messages until the broker has closed in order. The deadline also ends
 * it while messages keep coming: the broker may never pause. */
static enum sluice_error leave_drain(struct sluice *s, sluice_deadline deadline)
{
    static const char late[] =
        "the broker did not close the connection in time";
    for (;;) {
        struct sluice_bytes dropped;
        enum sluice_error error = sluice_receive(s, &dropped, SLUICE_NO_WAIT);
        if (error == SLUICE_AGAIN)
            error = sluice_transfer_await(s, sluice_events(s), deadline, late);
        else if (error == SLUICE_OK && deadline != SLUICE_DEADLINE_NOW &&
                 sluice_deadline_left(deadline) == 0)
            error = sluice_failure_set(&s->failure, SLUICE_TIMEOUT, "%s", late);
        if (error != SLUICE_OK)
            return error == SLUICE_CLOSED ? SLUICE_OK : error;
    }
}

enum sluice_error sluice_close(struct sluice *s, int timeout_ms)
{
    sluice_handle_assert(s);
    if (s->state == SLUICE_STATE_IDLE)
        return SLUICE_OK;
    if (s->protocol)
        return s->protocol->close(s, timeout_ms);
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    enum sluice_error error = SLUICE_OK;
    if (s->state != SLUICE_STATE_LEAVING)
        error = sluice_goodbye(s);
    if (error == SLUICE_OK)
        error = leave_drain(s, deadline);
    sluice_handle_reset(s);
    return error;
}
