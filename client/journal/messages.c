/* SPDX-License-Identifier: MIT */
#include "client/journal/messages.h"

#include <stdlib.h>

#include "proto/frame.h"

const struct catalog_extent *messages_extents(const struct survey *s,
                                              uint32_t channel,
                                              const struct catalog_extent **end)
{
    const struct catalog *c = &s->catalog;
    size_t low = 0, high = c->extent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->extents[middle].channel >= channel)
            high = middle;
        else
            low = middle + 1;
    }
    while (high < c->extent_count && c->extents[high].channel == channel)
        high++;
    *end = c->extents + high;
    return c->extents + low;
}

/* The message at the front of `bytes`. */
static struct message message_at(const uint8_t *bytes, uint64_t left,
                                 enum journal_form form)
{
    struct message m = {.form = form, .bytes = bytes, .body = bytes};
    m.length = (size_t)journal_message_bytes(form, bytes, left);
    if (form == JOURNAL_FORM_RICH)
        m.body += FRAME_HEAD_BYTES + frame_get_length(bytes);
    m.body_length = frame_get_length(m.body);
    m.body += FRAME_HEAD_BYTES;
    return m;
}

static bool walk(const struct catalog_channel *channel,
                 const struct catalog_extent *extent, const uint8_t *bytes,
                 uint64_t from, bool with_done, message_fn *each, void *arg)
{
    uint64_t left = extent->bytes;
    for (uint64_t i = 0; i < extent->count; i++) {
        struct message m = message_at(bytes, left, extent->form);
        m.number = extent->first + i;
        m.at_ms = extent->at_ms;
        m.is_done = catalog_is_done(channel, m.number);
        bool is_wanted = m.number >= from && (with_done || !m.is_done);
        if (is_wanted && !each(arg, &m))
            return false;
        bytes += m.length;
        left -= m.length;
    }
    return true;
}

/* How many messages of an extent are wanted. */
static uint64_t count_wanted(const struct catalog_channel *channel,
                             const struct catalog_extent *extent, uint64_t from,
                             bool with_done)
{
    uint64_t end = extent->first + extent->count;
    if (from < extent->first)
        from = extent->first;
    return from >= end ? 0
           : with_done ? end - from
                       : catalog_count_live(channel, from, end);
}

bool messages_of_extent(const struct survey *s,
                        const struct catalog_channel *channel,
                        const struct catalog_extent *extent, uint64_t from,
                        bool with_done, message_fn *each, void *arg,
                        uint64_t *unread)
{
    uint64_t wanted = count_wanted(channel, extent, from, with_done);
    if (wanted == 0)
        return true;
    uint8_t *bytes = malloc(extent->bytes);
    if (!bytes)
        return false;
    bool ok = true;
    if (survey_read_extent(s, extent, bytes))
        ok = walk(channel, extent, bytes, from, with_done, each, arg);
    else
        *unread += wanted;
    free(bytes);
    return ok;
}

bool messages_each(const struct survey *s,
                   const struct catalog_channel *channel, bool with_done,
                   message_fn *each, void *arg, uint64_t *unread)
{
    const struct catalog_extent *end;
    const struct catalog_extent *e = messages_extents(s, channel->id, &end);
    uint64_t from = 0;
    *unread = 0;
    for (; e < end; e++) {
        if (!messages_of_extent(s, channel, e, from, with_done, each, arg,
                                unread))
            return false;
        if (e->first + e->count > from)
            from = e->first + e->count;
    }
    return true;
}

static bool add_bytes(void *arg, const struct message *m)
{
    uint64_t *bytes = arg;
    *bytes += m->length;
    return true;
}

struct messages_total messages_total(const struct survey *s,
                                     const struct catalog_channel *channel)
{
    struct messages_total t = {.messages = 0};
    const struct catalog_extent *end;
    const struct catalog_extent *e = messages_extents(s, channel->id, &end);
    uint64_t from = channel->floor, unread = 0;
    for (; e < end; e++) {
        uint64_t behind = e->first + e->count;
        uint64_t wanted = count_wanted(channel, e, from, false);
        if (wanted == e->count)
            t.bytes += e->bytes;
        else if (wanted > 0)
            (void)messages_of_extent(s, channel, e, from, false, add_bytes,
                                     &t.bytes, &unread);
        t.messages += wanted;
        if (behind > from)
            from = behind;
        while (wanted > 0 && catalog_is_done(channel, behind - 1))
            behind--;
        if (wanted > 0 && behind > t.last)
            t.last = behind - 1;
        uint64_t first = e->first;
        while (wanted > 0 && t.first == 0 && catalog_is_done(channel, first))
            first++;
        if (wanted > 0 && t.first == 0)
            t.first = first;
    }
    return t;
}
