/* SPDX-License-Identifier: MIT */
#include "client/lib/units/room.h"

#include "proto/spelling.h"

#include <assert.h>

static const struct sluice_header room_no_headers[1];

/* The arrays inside the delivery are left alone: their lengths are 0. */
void sluice_room_begin(struct sluice_room *room, enum sluice_event_kind kind)
{
    struct sluice_event *e = &room->event;
    memset(e, 0, offsetof(struct sluice_event, delivery));
    e->kind = kind;
    e->headers = room_no_headers;
    e->reason = e->run = "";
    e->delivery.seq = 0;
    e->delivery.connection = 0;
    e->delivery.channel_length = e->delivery.reply_length = 0;
    room->used = 0;
}

static struct sluice_bytes room_read(struct sluice_room *room, struct span text)
{
    char *at = room->texts + room->used;
    assert(text.length < sizeof room->texts - room->used);
    size_t length = spelling_read((uint8_t *)at, text);
    at[length] = '\0';
    room->used += (uint32_t)length + 1;
    return (struct sluice_bytes){at, length};
}

const char *sluice_room_text(struct sluice_room *room, struct span text)
{
    return room_read(room, text).data;
}

const char *sluice_room_copy(struct sluice_room *room, struct span text)
{
    char *at = room->texts + room->used;
    assert(text.length < sizeof room->texts - room->used);
    if (text.length > 0)
        memcpy(at, text.text, text.length);
    at[text.length] = '\0';
    room->used += text.length + 1;
    return at;
}

void sluice_room_set_channel(struct sluice_room *room,
                             struct sluice_bytes channel)
{
    assert(channel.length <= sizeof room->channel);
    if (channel.length > 0)
        memcpy(room->channel, channel.data, channel.length);
    room->event.channel = (struct sluice_bytes){room->channel, channel.length};
}

static bool room_has_header(const struct sluice_room *room, unsigned count,
                            struct span name)
{
    for (unsigned i = 0; i < count; i++)
        if (span_is(span_of(room->headers[i].name), name))
            return true;
    return false;
}

void sluice_room_set_headers(struct sluice_room *room, const struct head *head)
{
    unsigned count = 0;
    for (unsigned i = 0; i < head->header_count; i++) {
        const struct head_pair *pair = &head->headers[i];
        if (room_has_header(room, count, pair->name))
            continue;
        room->headers[count].name = sluice_room_text(room, pair->name);
        room->headers[count++].value = room_read(room, pair->value);
    }
    room->headers[count] = (struct sluice_header){.name = NULL};
    if (count > 0)
        room->event.headers = room->headers;
}
