/* SPDX-License-Identifier: MIT
 *
 * The sending side of a handle. No byte of a message is taken before there is
 * room for all of it, or for all but its long body: every result except
 * SLUICE_OK leaves the stream where it was, between two frames.
 */
#include "client/lib/transfer.h"

#include <assert.h>
#include <errno.h>

static enum sluice_error publish_check_channel(struct sluice *s,
                                               struct sluice_bytes channel)
{
    if (channel.length >= 1 && channel.length <= SLUICE_CHANNEL_MAX)
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_BAD_CHANNEL,
                              "a channel name has 1 to %d bytes, not %zu",
                              SLUICE_CHANNEL_MAX, channel.length);
}

enum sluice_error sluice_subscribe(struct sluice *s,
                                   struct sluice_bytes channel)
{
    sluice_handle_assert(s);
    if (s->state != SLUICE_STATE_CONNECTED)
        return sluice_handle_bad_state(s);
    enum sluice_error error = publish_check_channel(s, channel);
    if (error != SLUICE_OK)
        return error;
    if (*(const char *)channel.data == '\0')
        return sluice_failure_set(
            &s->failure, SLUICE_BAD_CHANNEL,
            "a channel name that begins with NUL is reserved");
    bool has_room = sluice_outbox_put(&s->out, channel);
    assert(has_room); /* it is the first frame */
    (void)has_room;
    s->state = SLUICE_STATE_SUBSCRIBED;
    error = sluice_transfer_flush(s);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

static bool publish_is_possible(const struct sluice *s)
{
    return s->state == SLUICE_STATE_CONNECTED ||
           s->state == SLUICE_STATE_PUBLISHING ||
           s->state == SLUICE_STATE_SUBSCRIBED;
}

/* A call refused here has changed nothing: the handle can still subscribe. */
static enum sluice_error publish_check(struct sluice *s,
                                       struct sluice_bytes channel,
                                       struct sluice_bytes message)
{
    if (!publish_is_possible(s))
        return sluice_handle_bad_state(s);
    if (message.length > s->limit)
        return sluice_failure_set(
            &s->failure, SLUICE_TOO_LONG,
            "a message of %zu bytes is above the limit of %u", message.length,
            (unsigned)s->limit);
    return publish_check_channel(s, channel);
}

/* A broker closes a connection that sends nothing for long, so the first frame
 * leaves at once. */
static enum sluice_error publish_begin(struct sluice *s)
{
    sluice_handle_become_publisher(s);
    (void)sluice_transfer_flush(s); /* an error shows in the state */
    return sluice_handle_is_over(s) ? s->end : SLUICE_OK;
}

/* From here on the message counts as taken: the part that cannot leave before
 * the deadline is copied. */
static enum sluice_error publish_body(struct sluice *s,
                                      struct sluice_bytes body,
                                      sluice_deadline deadline)
{
    while (body.length > 0) {
        enum sluice_error error = sluice_transfer_write(s, &body);
        if (error == SLUICE_AGAIN)
            error = sluice_transfer_await_room(s, deadline);
        if (sluice_handle_is_over(s))
            return s->end;
        if (error == SLUICE_OK)
            continue;
        if (sluice_outbox_append(&s->out, body))
            return SLUICE_OK;
        sluice_handle_end_errno(s, SLUICE_STATE_BROKEN, ENOMEM);
        return s->end;
    }
    return SLUICE_OK;
}

static bool publish_put(struct sluice *s, struct sluice_bytes channel,
                        struct sluice_bytes message)
{
    if (message.length < SLUICE_OUTBOX_LONG)
        return sluice_outbox_put_pair(&s->out, channel, message);
    return sluice_outbox_put_head(&s->out, channel, message.length);
}

enum sluice_error sluice_publish(struct sluice *s, struct sluice_bytes channel,
                                 struct sluice_bytes message, int timeout_ms)
{
    sluice_handle_assert(s);
    enum sluice_error error = publish_check(s, channel, message);
    if (error == SLUICE_OK && s->state == SLUICE_STATE_CONNECTED)
        error = publish_begin(s);
    if (error != SLUICE_OK)
        return error;
    bool is_long = message.length >= SLUICE_OUTBOX_LONG;
    bool is_put = publish_put(s, channel, message);
    if (is_put && !is_long)
        return SLUICE_OK;
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    for (; !is_put; is_put = publish_put(s, channel, message)) {
        error = sluice_transfer_flush(s);
        if (error == SLUICE_AGAIN)
            error = sluice_transfer_await_room(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
    return is_long ? publish_body(s, message, deadline) : SLUICE_OK;
}

enum sluice_error sluice_flush(struct sluice *s, int timeout_ms)
{
    sluice_handle_assert(s);
    if (!sluice_handle_is_up(s))
        return sluice_handle_bad_state(s);
    if (s->protocol)
        return s->protocol->flush(s, timeout_ms);
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    while (!sluice_outbox_is_empty(&s->out)) {
        enum sluice_error error = sluice_transfer_flush(s);
        if (error == SLUICE_AGAIN)
            error = sluice_transfer_await_room(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
    return SLUICE_OK;
}
