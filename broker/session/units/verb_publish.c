/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_publish.h"

#include <string.h>

#include "broker/core/name_class.h"
#include "broker/session/clients.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"
#include "proto/spelling.h"

static bool is_address(struct span argument)
{
    return argument.length > 0 && argument.text[0] == '@';
}

/* How long the head of a message can become. */
static bool is_too_long(const struct unit *u)
{
    char text[SPELLING_CHANNEL_MAX];
    return spelling_write_channel(text, u->name, u->name_length) +
               u->head.header_octets >
           HEAD_ROUTED_MAX;
}

enum unit_error verb_publish_check(struct session *s, struct unit *u)
{
    struct span channel = u->head.arguments[0];
    if (is_address(channel))
        return spelling_is_address(channel) ? UNIT_OK : UNIT_BAD_CHANNEL;
    if (!spelling_read_channel(u->name, &u->name_length, channel))
        return UNIT_BAD_CHANNEL;
    if (is_too_long(u))
        return UNIT_BAD_HEAD;
    if (core_is_stopping(s->all->core))
        return UNIT_DRAINING;
    if (name_class_of(u->name, u->name_length) == NAME_SYS)
        return UNIT_DENIED;
    return UNIT_OK;
}

/* The headers as they follow the options of a message. */
static uint32_t publish_text(const struct head *head, uint8_t *text)
{
    uint8_t *at = text;
    for (unsigned i = 0; i < head->header_count; i++) {
        const struct head_pair *h = &head->headers[i];
        *at++ = ' ';
        memcpy(at, h->name.text, h->name.length);
        at += h->name.length;
        *at++ = '=';
        if (h->value.length > 0)
            memcpy(at, h->value.text, h->value.length);
        at += h->value.length;
    }
    return (uint32_t)(at - text);
}

static enum publish_status publish(struct channel *ch, const struct unit *u)
{
    uint8_t text[HEAD_ROUTED_MAX];
    uint32_t size = (uint32_t)frame_size(u->body_length);
    const uint8_t *frame = u->body - FRAME_HEAD_BYTES;
    if (u->head.header_count > 0)
        return channel_publish_text(ch, text, publish_text(&u->head, text),
                                    frame, size);
    return u->block ? channel_publish_block(ch, u->block)
                    : channel_publish(ch, frame, size);
}

static struct verdict verdict_of(bool is_answered)
{
    return is_answered ? verdict(VERDICT_GO_ON)
                       : verdict_close(REASON_NO_MEMORY);
}

struct verdict verb_publish_run(struct session *s, struct unit *u)
{
    struct clients *all = s->all;
    struct receipt receipt = {.number = 0};
    enum counter_id nowhere;
    if (is_address(u->head.arguments[0]))
        return unit_refuse(s, &u->head, UNIT_GONE);
    struct channel *ch =
        core_route(all->core, u->name, (uint32_t)u->name_length, &nowhere);
    s->pub.messages_in++;
    counter_add(all->counters, COUNT_messages_in, 1);
    if (!ch && nowhere == COUNT_dropped_no_memory)
        return verdict_close(REASON_NO_MEMORY);
    if (!ch) {
        counter_add(all->counters, nowhere, 1);
        return verdict_of(answer_receipt(s, u->head.rid, &receipt));
    }
    enum publish_status status = publish(ch, u);
    if (status == PUBLISH_NO_MEMORY)
        return verdict_close(REASON_NO_MEMORY);
    if (status == PUBLISH_WAIT)
        publisher_wait(&s->pub, ch, false);
    if (u->head.rid.length > 0)
        receipt = channel_receipt(ch);
    return verdict_of(answer_receipt(s, u->head.rid, &receipt));
}
