/* SPDX-License-Identifier: MIT */
#include "client/lib/foreign.h"
#include "client/lib/transfer.h"

#include <poll.h>

/* Nothing to take, nothing to read: sends the collected bytes, then waits. */
static enum sluice_error receive_await(struct sluice *s,
                                       sluice_deadline deadline)
{
    if (s->state == SLUICE_STATE_BROKEN)
        s->state = SLUICE_STATE_ENDED;
    if (s->state == SLUICE_STATE_ENDED)
        return s->end;
    enum sluice_error error;
    do
        error = sluice_transfer_flush(s);
    while (error == SLUICE_OK);
    if (sluice_handle_is_over(s))
        return SLUICE_OK; /* what arrived before that is still to be taken */
    return sluice_transfer_await(s, sluice_events(s), deadline,
                                 "nothing arrived in time");
}

/* A length that is not one, perhaps because the server speaks another
 * protocol. */
static void receive_on_too_long(struct sluice *s)
{
    struct sluice_failure foreign;
    const uint8_t *head = s->in.bytes + s->in.head;
    if (sluice_foreign_find(head, sluice_inbox_waiting(&s->in), &foreign))
        sluice_handle_end(s, SLUICE_STATE_ENDED, SLUICE_FOREIGN,
                          foreign.sentence);
    else
        sluice_handle_end(s, SLUICE_STATE_ENDED, SLUICE_TOO_LONG,
                          "the broker sent a message above the limit");
}

static enum sluice_error receive_slowly(struct sluice *s,
                                        struct sluice_bytes *message,
                                        sluice_deadline deadline)
{
    for (;;) {
        enum frame_status status = sluice_inbox_take(&s->in, message);
        if (status == FRAME_OK)
            return SLUICE_OK;
        if (status == FRAME_TOO_LONG)
            receive_on_too_long(s);
        if (s->state == SLUICE_STATE_ENDED)
            return s->end;
        enum sluice_error error = sluice_transfer_read(s);
        if (error == SLUICE_AGAIN)
            error = receive_await(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
}

enum sluice_error sluice_receive(struct sluice *s, struct sluice_bytes *message,
                                 int timeout_ms)
{
    sluice_handle_assert(s);
    if (s->state == SLUICE_STATE_IDLE || s->protocol)
        return sluice_handle_bad_state(s);
    sluice_inbox_give_back(&s->in);
    if (sluice_inbox_take(&s->in, message) == FRAME_OK)
        return SLUICE_OK;
    return receive_slowly(s, message, sluice_deadline_in(timeout_ms));
}
