/* SPDX-License-Identifier: MIT */
#include "proto/journal_entry.h"

#include <string.h>

#include "proto/frame.h"
#include "proto/little.h"

void journal_put_range(uint8_t out[JOURNAL_RANGE],
                       const struct journal_range *range)
{
    little_put_64(out, range->first);
    little_put_32(out + 8, range->count);
    little_put_32(out + 12, 0);
}

struct journal_range journal_get_range(const uint8_t *entry)
{
    return (struct journal_range){little_get_64(entry),
                                  little_get_32(entry + 8)};
}

size_t journal_channel_bytes(const struct journal_channel *channel)
{
    return JOURNAL_CHANNEL_ENTRY + (size_t)journal_padded(channel->name_bytes) +
           (size_t)channel->ranges * JOURNAL_RANGE;
}

uint8_t *journal_put_channel(uint8_t *out,
                             const struct journal_channel *channel)
{
    size_t name_room = (size_t)journal_padded(channel->name_bytes);
    little_put_64(out, channel->next);
    little_put_64(out + 8, channel->floor);
    little_put_32(out + 16, channel->id);
    little_put_32(out + 20, channel->ranges);
    out[24] = channel->kind;
    out[25] = 0;
    little_put_16(out + 26, channel->name_bytes);
    little_put_32(out + 28, 0);
    memset(out + JOURNAL_CHANNEL_ENTRY, 0, name_room);
    memcpy(out + JOURNAL_CHANNEL_ENTRY, channel->name, channel->name_bytes);
    return out + JOURNAL_CHANNEL_ENTRY + name_room;
}

const uint8_t *journal_get_channel(struct journal_channel *channel,
                                   const uint8_t *entry)
{
    channel->next = little_get_64(entry);
    channel->floor = little_get_64(entry + 8);
    channel->id = little_get_32(entry + 16);
    channel->ranges = little_get_32(entry + 20);
    channel->kind = entry[24];
    channel->name_bytes = little_get_16(entry + 26);
    channel->name = entry + JOURNAL_CHANNEL_ENTRY;
    channel->range_entries =
        channel->name + journal_padded(channel->name_bytes);
    return entry + journal_channel_bytes(channel);
}

void journal_put_segment_entry(uint8_t out[JOURNAL_SEGMENT_ENTRY],
                               const struct journal_segment_entry *segment)
{
    little_put_64(out, segment->id);
    little_put_64(out + 8, segment->last_batch);
    little_put_64(out + 16, segment->end);
}

struct journal_segment_entry journal_get_segment_entry(const uint8_t *entry)
{
    return (struct journal_segment_entry){little_get_64(entry),
                                          little_get_64(entry + 8),
                                          little_get_64(entry + 16)};
}

void journal_put_index_entry(uint8_t out[JOURNAL_INDEX_ENTRY],
                             const struct journal_index_entry *index)
{
    little_put_64(out, index->first);
    little_put_32(out + 8, index->channel);
    little_put_32(out + 12, index->count);
    little_put_32(out + 16, (uint32_t)(index->offset / JOURNAL_ALIGNMENT));
    little_put_32(out + 20, index->bytes);
    little_put_32(out + 24, index->form | (uint32_t)index->flags << 8);
    little_put_32(out + 28, index->checksum);
}

struct journal_index_entry journal_get_index_entry(const uint8_t *entry)
{
    return (struct journal_index_entry){
        .first = little_get_64(entry),
        .channel = little_get_32(entry + 8),
        .count = little_get_32(entry + 12),
        .offset = (uint64_t)little_get_32(entry + 16) * JOURNAL_ALIGNMENT,
        .bytes = little_get_32(entry + 20),
        .form = entry[24],
        .flags = entry[25],
        .checksum = little_get_32(entry + 28),
    };
}

void journal_put_numbers(uint8_t out[JOURNAL_NUMBERS_ENTRY],
                         const struct journal_numbers *numbers)
{
    little_put_64(out, numbers->above);
    little_put_32(out + 8, numbers->next_channel);
    little_put_32(out + 12, 0);
}

struct journal_numbers journal_get_numbers(const uint8_t *entry)
{
    return (struct journal_numbers){little_get_64(entry),
                                    little_get_32(entry + 8)};
}

/* Bytes of the frame at the front, its length included; 0 if it is cut. */
static uint64_t frame_bytes(const uint8_t *bytes, uint64_t left)
{
    if (left < FRAME_HEAD_BYTES)
        return 0;
    uint64_t whole = FRAME_HEAD_BYTES + (uint64_t)frame_get_length(bytes);
    return whole <= left ? whole : 0;
}

uint64_t journal_message_bytes(enum journal_form form, const uint8_t *bytes,
                               uint64_t left)
{
    uint64_t first = frame_bytes(bytes, left);
    if (form == JOURNAL_FORM_PLAIN || first == 0)
        return first;
    uint64_t second = frame_bytes(bytes + first, left - first);
    return second == 0 ? 0 : first + second;
}

/* Whether these are numbers: from 1 on, and below 2^63. */
static bool numbers_fit(uint64_t first, uint64_t count)
{
    return first > 0 && first <= INT64_MAX && count <= INT64_MAX - first;
}

static bool check_messages(const struct journal_record *record,
                           const uint8_t *payload)
{
    enum journal_form form = record->form;
    uint64_t left = record->bytes;
    if (form != JOURNAL_FORM_PLAIN && form != JOURNAL_FORM_RICH)
        return false;
    if (record->channel == 0 || record->count == 0 ||
        !numbers_fit(record->first, record->count))
        return false;
    for (uint32_t i = 0; i < record->count; i++) {
        uint64_t bytes = journal_message_bytes(form, payload, left);
        if (bytes == 0)
            return false;
        payload += bytes;
        left -= bytes;
    }
    return left == 0;
}

/* Whether these are ranges above `*below`, rising and apart; `*below` becomes
 * the end of the last one. */
static bool check_ranges(const uint8_t *entries, uint64_t count,
                         uint64_t *below)
{
    for (uint64_t i = 0; i < count; i++, entries += JOURNAL_RANGE) {
        struct journal_range r = journal_get_range(entries);
        bool is_apart = i == 0 ? r.first >= *below : r.first > *below;
        if (!is_apart || r.count == 0 || !numbers_fit(r.first, r.count) ||
            little_get_32(entries + 12) != 0)
            return false;
        *below = r.first + r.count;
    }
    return true;
}

static bool check_acks(const struct journal_record *record,
                       const uint8_t *payload)
{
    uint64_t below = 0;
    return record->channel > 0 && record->count > 0 &&
           record->bytes == (uint64_t)record->count * JOURNAL_RANGE &&
           check_ranges(payload, record->count, &below);
}

/* Whether `left` bytes hold a whole entry, and it is a possible one. */
static bool check_channel_entry(const uint8_t *entry, uint64_t left)
{
    struct journal_channel c;
    if (left < JOURNAL_CHANNEL_ENTRY)
        return false;
    journal_get_channel(&c, entry);
    if (journal_channel_bytes(&c) > left)
        return false;
    uint64_t below = c.floor + 1;
    return c.id > 0 && c.next <= INT64_MAX && c.floor <= c.next &&
           (c.kind == JOURNAL_QUEUE || c.kind == JOURNAL_TOPIC) &&
           entry[25] == 0 && little_get_32(entry + 28) == 0 &&
           c.name_bytes > 0 && c.name_bytes <= JOURNAL_NAME_MAX &&
           journal_is_zero(c.name + c.name_bytes,
                           (size_t)(c.range_entries - c.name) - c.name_bytes) &&
           check_ranges(c.range_entries, c.ranges, &below) &&
           (c.ranges == 0 || below <= c.next);
}

static bool check_channels(const struct journal_record *record,
                           const uint8_t *payload)
{
    uint64_t left = record->bytes;
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_channel c;
        if (!check_channel_entry(payload, left))
            return false;
        const uint8_t *end = journal_get_channel(&c, payload);
        left -= (uint64_t)(end - payload);
        payload = end;
    }
    return record->count > 0 && left == 0;
}

static bool check_channel_only(const struct journal_record *record,
                               const uint8_t *payload)
{
    (void)payload;
    return record->channel > 0 && record->bytes == 0 &&
           record->first <= INT64_MAX;
}

static bool check_segments(const struct journal_record *record,
                           const uint8_t *payload)
{
    uint64_t below = 0;
    if (record->bytes != (uint64_t)record->count * JOURNAL_SEGMENT_ENTRY)
        return false;
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_segment_entry s =
            journal_get_segment_entry(payload + i * JOURNAL_SEGMENT_ENTRY);
        if (s.id <= below)
            return false;
        below = s.id;
    }
    return true;
}

static bool check_free(const struct journal_record *record,
                       const uint8_t *payload)
{
    if (record->bytes != (uint64_t)record->count * JOURNAL_FREE_ENTRY)
        return false;
    for (uint32_t i = 0; i < record->count; i++)
        if (little_get_64(payload + (size_t)i * JOURNAL_FREE_ENTRY) == 0)
            return false;
    return record->count > 0;
}

static bool check_index(const struct journal_record *record,
                        const uint8_t *payload)
{
    if (record->bytes != (uint64_t)record->count * JOURNAL_INDEX_ENTRY)
        return false;
    for (uint32_t i = 0; i < record->count; i++) {
        const uint8_t *entry = payload + (size_t)i * JOURNAL_INDEX_ENTRY;
        struct journal_index_entry e = journal_get_index_entry(entry);
        if (e.channel == 0 || e.count == 0 || !numbers_fit(e.first, e.count) ||
            little_get_32(entry + 24) >> 16 != 0)
            return false;
    }
    return true;
}

static bool check_numbers(const struct journal_record *record,
                          const uint8_t *payload)
{
    return record->bytes == JOURNAL_NUMBERS_ENTRY &&
           journal_get_numbers(payload).above <= INT64_MAX &&
           little_get_32(payload + 12) == 0;
}

enum journal_fault journal_check(const struct journal_record *record,
                                 const uint8_t *payload)
{
    static bool (*const checks[JOURNAL_TYPES])(const struct journal_record *,
                                               const uint8_t *) = {
        [JOURNAL_MESSAGES] = check_messages,
        [JOURNAL_ACKS] = check_acks,
        [JOURNAL_CHANNEL] = check_channels,
        [JOURNAL_DROP] = check_channel_only,
        [JOURNAL_TRIM] = check_channel_only,
        [JOURNAL_SEGMENTS] = check_segments,
        [JOURNAL_FREE] = check_free,
        [JOURNAL_INDEX] = check_index,
        [JOURNAL_NUMBERS] = check_numbers,
    };
    if (record->type >= JOURNAL_TYPES || !checks[record->type])
        return JOURNAL_SOUND;
    return checks[record->type](record, payload) ? JOURNAL_SOUND
                                                 : JOURNAL_MALFORMED;
}
