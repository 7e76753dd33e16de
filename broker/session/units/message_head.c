/* SPDX-License-Identifier: MIT */
#include "broker/session/units/message_head.h"

#include "broker/core/channel.h"

void message_head_init(struct message_head *h, const struct channel *ch)
{
    uint8_t *name = h->frame + FRAME_HEAD_BYTES + MESSAGE_HEAD_WORD;
    memcpy(h->frame + FRAME_HEAD_BYTES, "MSG ", MESSAGE_HEAD_WORD);
    size_t length = spelling_write_channel((char *)name, channel_name(ch),
                                           channel_name_length(ch));
    name[length] = ' ';
    h->number_at =
        (uint32_t)(FRAME_HEAD_BYTES + MESSAGE_HEAD_WORD + length + 1);
    h->size = h->number_at;
    h->number = 0;
}

void message_head_set(struct message_head *h, uint64_t number)
{
    h->number = number;
    h->size = h->number_at + decimal_put(h->frame + h->number_at, number);
    frame_put_length(h->frame, h->size - FRAME_HEAD_BYTES);
}
