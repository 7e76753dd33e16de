/* SPDX-License-Identifier: MIT */
#include "broker/session/units/routed.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/core/name_class.h"
#include "broker/session/guest.h"
#include "broker/session/identity.h"
#include "broker/session/state.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/unit.h"
#include "proto/frame.h"
#include "proto/spelling.h"

/* How long the head of a message can become; mostly it is short however its
 * channel is spelled. */
static bool is_too_long(const struct unit *u)
{
    char text[SPELLING_CHANNEL_MAX];
    return SPELLING_GROWTH * u->name_length + u->head.header_octets >
               HEAD_ROUTED_MAX &&
           spelling_write_channel(text, u->name, u->name_length) +
                   u->head.header_octets >
               HEAD_ROUTED_MAX;
}

enum unit_error routed_check(const struct session *s, struct unit *u)
{
    if (!spelling_read_channel(u->name, &u->name_length, u->head.arguments[0]))
        return UNIT_BAD_CHANNEL;
    if (is_too_long(u))
        return UNIT_BAD_HEAD;
    if (s->is_draining)
        return UNIT_DRAINING;
    if (name_class_of(u->name, u->name_length) == NAME_SYS ||
        !identity_may_publish(s, u->name, u->name_length))
        return UNIT_DENIED;
    return UNIT_OK;
}

static uint8_t *put(uint8_t *at, struct span text)
{
    if (text.length > 0)
        memcpy(at, text.text, text.length);
    return at + text.length;
}

uint32_t routed_text(const struct head *head, struct span address,
                     uint8_t text[ROUTED_TEXT_MAX])
{
    uint8_t *at = text;
    if (address.length > 0)
        at = put(put(at, span_of(REQUESTS_TEXT)), address);
    for (unsigned i = 0; i < head->header_count; i++) {
        const struct head_pair *h = &head->headers[i];
        *at++ = ' ';
        at = put(at, h->name);
        *at++ = '=';
        at = put(at, h->value);
    }
    return (uint32_t)(at - text);
}

static bool is_empty_queue(const struct channel *ch)
{
    return channel_is_queue(ch) && ch->pending == 0 && ch->kind->is_empty(ch);
}

/* A unit that was parked has come to the front of the gate, and takes no more
 * memory than it has: an empty queue that refused it because memory is
 * exhausted would open at once, and refuse it again. */
bool routed_must_wait(const struct unit *u, struct channel *ch)
{
    if (u->parked && is_empty_queue(ch))
        return false;
    return (!u->parked && channel_must_wait(ch)) ||
           !channel_admits(ch, frame_size(u->body_length));
}

struct verdict routed_wait(struct session *s, const struct unit *u,
                           struct channel *ch, struct request *r)
{
    if (u->parked)
        return verdict(VERDICT_WAIT_GATE);
    if (guest_must_go(s, ch))
        return verdict_goodbye(REASON_NO_PLACE);
    return parked_add(s, u, ch, r) ? verdict(VERDICT_GO_ON)
                                   : verdict_close(REASON_NO_MEMORY);
}

enum publish_status routed_publish(const struct unit *u, struct channel *ch,
                                   const uint8_t *text, uint32_t length)
{
    uint32_t size = (uint32_t)frame_size(u->body_length);
    const uint8_t *frame = u->body - FRAME_HEAD_BYTES;
    if (length > 0)
        return channel_publish_text(ch, text, length, frame, size);
    return u->block ? channel_publish_block(ch, u->block)
                    : channel_publish(ch, frame, size);
}
