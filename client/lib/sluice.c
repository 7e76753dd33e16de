/* SPDX-License-Identifier: MIT
 *
 * The connection: one socket, an inbox, an outbox and a state. Which call is
 * allowed when is a table; whether to wait, and for what, is decided in
 * sluice_await() alone.
 */
#include "client/sluice.h"

#include "client/lib/deadline.h"
#include "client/lib/dial.h"
#include "client/lib/failure.h"
#include "client/lib/inbox.h"
#include "client/lib/outbox.h"
#include "proto/channel_name.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum sluice_state {
    SLUICE_STATE_IDLE,       /* no socket */
    SLUICE_STATE_CONNECTED,  /* nothing said yet */
    SLUICE_STATE_PUBLISHING, /* first frame: the sink */
    SLUICE_STATE_SUBSCRIBED, /* first frame: a channel */
    SLUICE_STATE_LEAVING,    /* goodbye said */
    SLUICE_STATE_BROKEN,     /* cannot send; what arrived can be received */
    SLUICE_STATE_ENDED,      /* nothing more will arrive */
};

enum { SLUICE_MAGIC = 0x51u << 24 | 0x1u << 16 | 0xceu };

struct sluice {
    unsigned magic;
    enum sluice_state state;
    int fd;             /* -1 when IDLE */
    int receive_buffer; /* SO_RCVBUF of the next connection, 0: as it is */
    uint32_t limit;     /* bytes of the longest message */
    struct sluice_inbox in;
    struct sluice_outbox out;
    enum sluice_error end;         /* why it is BROKEN or ENDED */
    struct sluice_failure failure; /* the last one */
};

static const char *const sluice_state_names[] = {
    [SLUICE_STATE_IDLE] = "not connected",
    [SLUICE_STATE_CONNECTED] = "connected, but has said nothing yet",
    [SLUICE_STATE_PUBLISHING] = "a publisher already",
    [SLUICE_STATE_SUBSCRIBED] = "subscribed already",
    [SLUICE_STATE_LEAVING] = "leaving",
    [SLUICE_STATE_BROKEN] = "broken",
    [SLUICE_STATE_ENDED] = "closed",
};

/* --- state --------------------------------------------------------------- */

static bool sluice_is_up(const struct sluice *s)
{
    return s->state >= SLUICE_STATE_CONNECTED &&
           s->state <= SLUICE_STATE_LEAVING;
}

static bool sluice_is_over(const struct sluice *s)
{
    return s->state >= SLUICE_STATE_BROKEN;
}

/* The connection is over, or half of it; the first reason stays. */
static void sluice_end(struct sluice *s, enum sluice_state state,
                       enum sluice_error error, const char *sentence)
{
    if (!sluice_is_over(s))
        s->end = sluice_failure_set(&s->failure, error, "%s", sentence);
    s->state = state;
}

/* An errno of read or write that is not "try again". */
static void sluice_end_errno(struct sluice *s, enum sluice_state state,
                             int error)
{
    enum sluice_error code = error == ENOMEM ? SLUICE_NO_MEMORY : SLUICE_BROKEN;
    char sentence[128];
    snprintf(sentence, sizeof sentence, "the connection broke: %s",
             strerror(error));
    sluice_end(s, state, code, sentence);
}

static enum sluice_error sluice_bad_state(struct sluice *s)
{
    if (sluice_is_over(s))
        return s->end;
    return sluice_failure_set(&s->failure, SLUICE_BAD_STATE,
                              "not possible: this connection is %s",
                              sluice_state_names[s->state]);
}

static void sluice_assert(const struct sluice *s)
{
    assert(s && s->magic == SLUICE_MAGIC);
    (void)s;
}

/* --- life ---------------------------------------------------------------- */

struct sluice *sluice_new(void)
{
    struct sluice *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->magic = SLUICE_MAGIC;
    s->fd = -1;
    s->limit = SLUICE_MESSAGE_DEFAULT_MAX;
    return s;
}

static void sluice_reset(struct sluice *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    sluice_inbox_fini(&s->in);
    sluice_outbox_fini(&s->out);
    s->state = SLUICE_STATE_IDLE;
}

void sluice_free(struct sluice *s)
{
    if (!s)
        return;
    sluice_assert(s);
    sluice_reset(s);
    s->magic = 0;
    free(s);
}

enum sluice_error sluice_set_max_message(struct sluice *s, size_t bytes)
{
    sluice_assert(s);
    if (bytes < 1 || bytes > SLUICE_MESSAGE_MAX)
        return sluice_failure_set(&s->failure, SLUICE_TOO_LONG,
                                  "a message limit is 1 to %d bytes, not %zu",
                                  SLUICE_MESSAGE_MAX, bytes);
    s->limit = (uint32_t)bytes;
    return SLUICE_OK;
}

void sluice_set_receive_buffer(struct sluice *s, int bytes)
{
    sluice_assert(s);
    s->receive_buffer = bytes;
}

/* Takes over a prepared socket. */
static enum sluice_error sluice_start(struct sluice *s, int fd)
{
    s->fd = fd;
    sluice_inbox_init(&s->in, s->limit);
    if (!sluice_outbox_init(&s->out)) {
        sluice_reset(s);
        return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                  "out of memory");
    }
    s->state = SLUICE_STATE_CONNECTED;
    return SLUICE_OK;
}

enum sluice_error sluice_connect(struct sluice *s, const char *address,
                                 int timeout_ms)
{
    sluice_assert(s);
    if (sluice_is_up(s))
        return sluice_bad_state(s);
    sluice_reset(s);
    int fd = -1;
    enum sluice_error error =
        sluice_dial(address, s->receive_buffer, sluice_deadline_in(timeout_ms),
                    &fd, &s->failure);
    return error != SLUICE_OK ? error : sluice_start(s, fd);
}

enum sluice_error sluice_attach(struct sluice *s, int fd)
{
    sluice_assert(s);
    if (sluice_is_up(s)) {
        close(fd);
        return sluice_bad_state(s);
    }
    sluice_reset(s);
    if (!sluice_dial_prepare(fd)) {
        sluice_failure_set(&s->failure, SLUICE_UNREACHABLE,
                           "cannot use this descriptor: %s", strerror(errno));
        close(fd);
        return s->failure.error;
    }
    return sluice_start(s, fd);
}

/* --- reading, writing, waiting ------------------------------------------- */

static void sluice_on_eof(struct sluice *s)
{
    enum sluice_error code = SLUICE_BROKEN;
    const char *sentence = "the broker closed the connection";
    if (sluice_inbox_waiting(&s->in) > 0)
        sentence = "the broker closed the connection inside a message";
    else if (!sluice_outbox_is_empty(&s->out))
        sentence = "the broker closed the connection before it had read "
                   "everything";
    else
        code = SLUICE_CLOSED;
    sluice_end(s, SLUICE_STATE_ENDED, code, sentence);
}

/* One read. SLUICE_OK: look again, at the inbox or at the state. */
static enum sluice_error sluice_read(struct sluice *s)
{
    ssize_t n = sluice_inbox_fill(&s->in, s->fd);
    if (n > 0)
        return SLUICE_OK;
    if (n == 0) {
        sluice_on_eof(s);
        return SLUICE_OK;
    }
    if (errno != EAGAIN) {
        sluice_end_errno(s, SLUICE_STATE_ENDED, errno);
        return SLUICE_OK;
    }
    return SLUICE_AGAIN;
}

/* One write of the outbox and of *body. SLUICE_OK: something left. */
static enum sluice_error sluice_write(struct sluice *s,
                                      struct sluice_bytes *body)
{
    if (sluice_outbox_write(&s->out, s->fd, body))
        return SLUICE_OK;
    if (errno == EAGAIN)
        return SLUICE_AGAIN;
    sluice_end_errno(s, SLUICE_STATE_BROKEN, errno);
    return s->end;
}

static enum sluice_error sluice_write_some(struct sluice *s)
{
    struct sluice_bytes nothing = {NULL, 0};
    return sluice_outbox_is_empty(&s->out) ? SLUICE_AGAIN
                                           : sluice_write(s, &nothing);
}

/* Waits for any of `events`; *ready says which came. */
static enum sluice_error sluice_await(struct sluice *s, short events,
                                      sluice_deadline deadline, short *ready)
{
    if (deadline == SLUICE_DEADLINE_NOW)
        return SLUICE_AGAIN;
    struct pollfd waiting = {.fd = s->fd, .events = events};
    int n = poll(&waiting, 1, sluice_deadline_left(deadline));
    *ready = waiting.revents;
    if (n > 0)
        return SLUICE_OK;
    if (n == 0)
        return sluice_failure_set(&s->failure, SLUICE_TIMEOUT,
                                  "the broker did not answer in time");
    return sluice_failure_set(&s->failure, SLUICE_INTERRUPTED,
                              "interrupted by a signal");
}

/* Waits until the socket takes bytes again. What arrives meanwhile is read
 * into the inbox: the broker may be waiting for us as we do for it. */
static enum sluice_error sluice_await_writable(struct sluice *s,
                                               sluice_deadline deadline)
{
    if (deadline != SLUICE_DEADLINE_NOW &&
        sluice_inbox_waiting(&s->in) >= SLUICE_READ_AHEAD)
        return sluice_failure_set(&s->failure, SLUICE_BACKLOG,
                                  "received messages wait to be taken first");
    short ready = 0;
    enum sluice_error error =
        sluice_await(s, POLLIN | POLLOUT, deadline, &ready);
    if (error != SLUICE_OK)
        return error;
    if (ready & (POLLIN | POLLHUP | POLLERR)) {
        enum sluice_error ignored = sluice_read(s);
        (void)ignored; /* SLUICE_AGAIN is not news; the rest is the state */
    }
    return sluice_is_over(s) ? s->end : SLUICE_OK;
}

/* --- publishing ---------------------------------------------------------- */

static enum sluice_error sluice_check_channel(struct sluice *s,
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
    sluice_assert(s);
    if (s->state != SLUICE_STATE_CONNECTED)
        return sluice_bad_state(s);
    enum sluice_error error = sluice_check_channel(s, channel);
    if (error != SLUICE_OK)
        return error;
    if (*(const char *)channel.data == '\0')
        return sluice_failure_set(&s->failure, SLUICE_BAD_CHANNEL,
                                  "a channel name that begins with NUL is "
                                  "reserved");
    bool has_room = sluice_outbox_put(&s->out, channel);
    assert(has_room); /* it is the first frame */
    (void)has_room;
    s->state = SLUICE_STATE_SUBSCRIBED;
    error = sluice_write_some(s);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

/* A first publish or goodbye without a subscription says so first. */
static void sluice_become_publisher(struct sluice *s)
{
    bool has_room = sluice_outbox_put(&s->out, sluice_text(CHANNEL_NAME_NULL));
    assert(has_room); /* it is the first frame */
    (void)has_room;
    s->state = SLUICE_STATE_PUBLISHING;
}

static enum sluice_error sluice_check_publish(struct sluice *s,
                                              struct sluice_bytes channel,
                                              struct sluice_bytes message)
{
    if (s->state == SLUICE_STATE_CONNECTED)
        sluice_become_publisher(s);
    if (s->state != SLUICE_STATE_PUBLISHING &&
        s->state != SLUICE_STATE_SUBSCRIBED)
        return sluice_bad_state(s);
    if (message.length > s->limit)
        return sluice_failure_set(
            &s->failure, SLUICE_TOO_LONG,
            "a message of %zu bytes is above the limit of %u", message.length,
            (unsigned)s->limit);
    return sluice_check_channel(s, channel);
}

/* From here the message is taken, whatever happens to it. What cannot leave
 * before the deadline is copied. */
static enum sluice_error sluice_send_body(struct sluice *s,
                                          struct sluice_bytes body,
                                          sluice_deadline deadline)
{
    while (body.length > 0) {
        enum sluice_error error = sluice_write(s, &body);
        if (error == SLUICE_AGAIN)
            error = sluice_await_writable(s, deadline);
        if (sluice_is_over(s))
            return s->end;
        if (error == SLUICE_OK)
            continue;
        if (sluice_outbox_append(&s->out, body))
            return SLUICE_OK;
        sluice_end_errno(s, SLUICE_STATE_BROKEN, ENOMEM);
        return s->end;
    }
    return SLUICE_OK;
}

/* Nothing is taken before it fits, so that every return but SLUICE_OK means
 * that the stream is where it was. */
static enum sluice_error sluice_publish_slowly(struct sluice *s,
                                               struct sluice_bytes channel,
                                               struct sluice_bytes message,
                                               sluice_deadline deadline)
{
    bool is_long = message.length >= SLUICE_OUTBOX_LONG;
    while (!(is_long ? sluice_outbox_put_head(&s->out, channel, message.length)
                     : sluice_outbox_put_pair(&s->out, channel, message))) {
        enum sluice_error error = sluice_write_some(s);
        if (error == SLUICE_AGAIN)
            error = sluice_await_writable(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
    return is_long ? sluice_send_body(s, message, deadline) : SLUICE_OK;
}

enum sluice_error sluice_publish(struct sluice *s, struct sluice_bytes channel,
                                 struct sluice_bytes message, int timeout_ms)
{
    sluice_assert(s);
    enum sluice_error error = sluice_check_publish(s, channel, message);
    if (error != SLUICE_OK)
        return error;
    if (message.length < SLUICE_OUTBOX_LONG &&
        sluice_outbox_put_pair(&s->out, channel, message))
        return SLUICE_OK;
    return sluice_publish_slowly(s, channel, message,
                                 sluice_deadline_in(timeout_ms));
}

enum sluice_error sluice_flush(struct sluice *s, int timeout_ms)
{
    sluice_assert(s);
    if (!sluice_is_up(s))
        return sluice_bad_state(s);
    sluice_deadline deadline = SLUICE_DEADLINE_NOW;
    for (bool is_first = true; !sluice_outbox_is_empty(&s->out);
         is_first = false) {
        enum sluice_error error = sluice_write_some(s);
        if (is_first)
            deadline = sluice_deadline_in(timeout_ms);
        if (error == SLUICE_AGAIN)
            error = sluice_await_writable(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
    return SLUICE_OK;
}

/* --- receiving ----------------------------------------------------------- */

/* Nothing to take and nothing to read: sends what waits, then waits. */
static enum sluice_error sluice_await_message(struct sluice *s,
                                              sluice_deadline deadline)
{
    if (s->state == SLUICE_STATE_BROKEN)
        sluice_end(s, SLUICE_STATE_ENDED, SLUICE_BROKEN, "");
    if (s->state == SLUICE_STATE_ENDED)
        return s->end;
    enum sluice_error error = sluice_write_some(s);
    if (sluice_is_over(s))
        return SLUICE_OK; /* what arrived before that is still to be taken */
    short events = sluice_outbox_is_empty(&s->out) ? POLLIN : POLLIN | POLLOUT;
    if (error == SLUICE_OK && events != POLLIN)
        return SLUICE_OK;
    short ready;
    return sluice_await(s, events, deadline, &ready);
}

enum sluice_error sluice_receive(struct sluice *s, struct sluice_bytes *message,
                                 int timeout_ms)
{
    sluice_assert(s);
    if (s->state == SLUICE_STATE_IDLE)
        return sluice_bad_state(s);
    sluice_inbox_give_back(&s->in);
    sluice_deadline deadline = SLUICE_DEADLINE_NOW;
    for (bool is_first = true;; is_first = false) {
        enum frame_status status = sluice_inbox_take(&s->in, message);
        if (status == FRAME_OK)
            return SLUICE_OK;
        if (status == FRAME_TOO_LONG)
            sluice_end(s, SLUICE_STATE_ENDED, SLUICE_TOO_LONG,
                       "the broker sent a message above the limit");
        if (s->state == SLUICE_STATE_ENDED)
            return s->end;
        enum sluice_error error = sluice_read(s);
        if (is_first)
            deadline = sluice_deadline_in(timeout_ms);
        if (error == SLUICE_AGAIN)
            error = sluice_await_message(s, deadline);
        if (error != SLUICE_OK)
            return error;
    }
}

/* --- leaving ------------------------------------------------------------- */

enum sluice_error sluice_goodbye(struct sluice *s)
{
    sluice_assert(s);
    if (s->state == SLUICE_STATE_CONNECTED)
        sluice_become_publisher(s);
    if (s->state != SLUICE_STATE_PUBLISHING &&
        s->state != SLUICE_STATE_SUBSCRIBED)
        return sluice_bad_state(s);
    /* append: four bytes that must find room */
    uint8_t empty_name[FRAME_HEAD_BYTES] = {0};
    if (!sluice_outbox_append(
            &s->out, (struct sluice_bytes){empty_name, sizeof empty_name})) {
        sluice_end_errno(s, SLUICE_STATE_BROKEN, ENOMEM);
        return s->end;
    }
    s->state = SLUICE_STATE_LEAVING;
    enum sluice_error error = sluice_write_some(s);
    return error == SLUICE_AGAIN ? SLUICE_OK : error;
}

/* After the goodbye: drops messages until the broker has closed in order. */
static enum sluice_error sluice_drain(struct sluice *s,
                                      sluice_deadline deadline)
{
    for (;;) {
        struct sluice_bytes dropped;
        enum sluice_error error = sluice_receive(s, &dropped, SLUICE_NO_WAIT);
        if (error == SLUICE_OK)
            continue;
        short ready;
        if (error == SLUICE_AGAIN)
            error = sluice_await(s, sluice_events(s), deadline, &ready);
        if (error != SLUICE_OK)
            return error == SLUICE_CLOSED ? SLUICE_OK : error;
    }
}

enum sluice_error sluice_close(struct sluice *s, int timeout_ms)
{
    sluice_assert(s);
    if (s->state == SLUICE_STATE_IDLE)
        return SLUICE_OK;
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    enum sluice_error error = SLUICE_OK;
    if (s->state != SLUICE_STATE_LEAVING)
        error = sluice_goodbye(s);
    if (error == SLUICE_OK)
        error = sluice_drain(s, deadline);
    sluice_reset(s);
    return error;
}

/* --- questions ----------------------------------------------------------- */

int sluice_fd(const struct sluice *s)
{
    sluice_assert(s);
    return s->fd;
}

short sluice_events(const struct sluice *s)
{
    sluice_assert(s);
    if (s->state == SLUICE_STATE_IDLE)
        return 0;
    return sluice_outbox_is_empty(&s->out) ? POLLIN : POLLIN | POLLOUT;
}

const char *sluice_error_detail(const struct sluice *s)
{
    sluice_assert(s);
    return s->failure.sentence;
}
