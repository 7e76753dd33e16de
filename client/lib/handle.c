/* SPDX-License-Identifier: MIT */
#include "client/lib/handle.h"

#include "client/lib/trust.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* In every live handle, so that a stale pointer is recognised. */
static const unsigned handle_magic = 0x5105ce00;

static const char *const handle_state_names[] = {
    [SLUICE_STATE_IDLE] = "not connected",
    [SLUICE_STATE_UNITS] = "open in version 2",
    [SLUICE_STATE_CONNECTED] = "new",
    [SLUICE_STATE_PUBLISHING] = "a publisher already",
    [SLUICE_STATE_SUBSCRIBED] = "subscribed already",
    [SLUICE_STATE_LEAVING] = "leaving",
    [SLUICE_STATE_BROKEN] = "broken",
    [SLUICE_STATE_ENDED] = "closed",
};

/* --- state --------------------------------------------------------------- */

void sluice_handle_assert(const struct sluice *s)
{
    assert(s && s->magic == handle_magic);
    (void)s;
}

bool sluice_handle_is_up(const struct sluice *s)
{
    return s->state >= SLUICE_STATE_UNITS && s->state <= SLUICE_STATE_LEAVING;
}

bool sluice_handle_is_over(const struct sluice *s)
{
    return s->state >= SLUICE_STATE_BROKEN;
}

void sluice_handle_end(struct sluice *s, enum sluice_state state,
                       enum sluice_error error, const char *sentence)
{
    if (!sluice_handle_is_over(s))
        s->end = sluice_failure_set(&s->failure, error, "%s", sentence);
    s->state = state;
}

void sluice_handle_end_errno(struct sluice *s, enum sluice_state state,
                             int error)
{
    char sentence[128];
    snprintf(sentence, sizeof sentence, "the connection broke: %s",
             strerror(error));
    sluice_handle_end(
        s, state, error == ENOMEM ? SLUICE_NO_MEMORY : SLUICE_BROKEN, sentence);
}

enum sluice_error sluice_handle_bad_state(struct sluice *s)
{
    if (sluice_handle_is_over(s))
        return s->end;
    return sluice_failure_set(&s->failure, SLUICE_BAD_STATE,
                              "not possible: the connection is %s",
                              handle_state_names[s->state]);
}

void sluice_handle_become_publisher(struct sluice *s)
{
    bool has_room = sluice_outbox_put(&s->out, sluice_text(SLUICE_SINK));
    assert(has_room); /* it is the first frame */
    (void)has_room;
    s->state = SLUICE_STATE_PUBLISHING;
}

/* --- life ---------------------------------------------------------------- */

struct sluice *sluice_new(void)
{
    struct sluice *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->magic = handle_magic;
    s->wire.fd = -1;
    s->limit = SLUICE_MESSAGE_DEFAULT_MAX;
    return s;
}

void sluice_handle_reset(struct sluice *s)
{
    if (s->protocol)
        s->protocol->reset(s);
    s->protocol = NULL;
    sluice_wire_close(&s->wire);
    sluice_inbox_fini(&s->in);
    sluice_outbox_fini(&s->out);
    s->state = SLUICE_STATE_IDLE;
}

void sluice_free(struct sluice *s)
{
    if (!s)
        return;
    sluice_handle_assert(s);
    sluice_handle_reset(s);
    if (s->units)
        s->free_units(s->units);
    sluice_trust_free(s->trust);
    s->magic = 0;
    free(s);
}

enum sluice_error sluice_set_max_message(struct sluice *s, size_t bytes)
{
    sluice_handle_assert(s);
    if (bytes < 1 || bytes > SLUICE_MESSAGE_MAX)
        return sluice_failure_set(
            &s->failure, SLUICE_TOO_LONG,
            "the limit of messages is 1 to %d bytes, not %zu",
            SLUICE_MESSAGE_MAX, bytes);
    s->limit = (uint32_t)bytes;
    return SLUICE_OK;
}

void sluice_set_read_ahead(struct sluice *s, bool is_on)
{
    sluice_handle_assert(s);
    s->room = is_on ? SLUICE_DIAL_USUAL : SLUICE_DIAL_LITTLE;
    s->in.is_frugal = !is_on;
    if (s->wire.fd >= 0)
        sluice_dial_set_room(s->wire.fd, s->room);
}

enum sluice_error sluice_handle_start(struct sluice *s, int fd)
{
    s->wire.fd = fd;
    sluice_inbox_init(&s->in, s->limit);
    s->in.is_frugal = s->room == SLUICE_DIAL_LITTLE;
    if (!sluice_outbox_init(&s->out)) {
        sluice_handle_reset(s);
        return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                  "out of memory");
    }
    s->state = SLUICE_STATE_CONNECTED;
    return SLUICE_OK;
}

/* --- questions ----------------------------------------------------------- */

int sluice_fd(const struct sluice *s)
{
    sluice_handle_assert(s);
    return s->protocol ? s->protocol->fd(s) : s->wire.fd;
}

short sluice_events(const struct sluice *s)
{
    sluice_handle_assert(s);
    if (s->state == SLUICE_STATE_IDLE)
        return 0;
    if (s->protocol)
        return s->protocol->events(s);
    return sluice_wire_events(&s->wire, !sluice_outbox_is_empty(&s->out));
}

const char *sluice_error_detail(const struct sluice *s)
{
    sluice_handle_assert(s);
    return s->failure.sentence;
}
