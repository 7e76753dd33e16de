/* SPDX-License-Identifier: MIT */
#include "client/journal/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "common/vector.h"
#include "proto/little.h"

void catalog_fini(struct catalog *c)
{
    for (size_t i = 0; i < c->channel_count; i++) {
        number_set_fini(&c->channels[i].done);
        number_set_fini(&c->channels[i].found);
    }
    free(c->channels);
    free(c->extents);
    free(c->segments);
    number_set_fini(&c->freed);
    *c = (struct catalog){.channels = NULL};
}

/* Where the channel is, or belongs. */
static size_t find_place(const struct catalog *c, uint32_t id)
{
    size_t low = 0, high = c->channel_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->channels[middle].id >= id)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct catalog_channel *catalog_find(const struct catalog *c, uint32_t id)
{
    size_t place = find_place(c, id);
    bool is_there = place < c->channel_count && c->channels[place].id == id;
    return is_there ? &c->channels[place] : NULL;
}

static struct catalog_channel *add_channel(struct catalog *c, uint32_t id)
{
    size_t place = find_place(c, id);
    struct catalog_channel *channels = vector_grow(
        c->channels, &c->channel_room, c->channel_count, sizeof *channels);
    if (!channels)
        return NULL;
    c->channels = channels;
    memmove(channels + place + 1, channels + place,
            (c->channel_count - place) * sizeof *channels);
    channels[place] = (struct catalog_channel){.id = id};
    c->channel_count++;
    return &channels[place];
}

static bool apply_ranges(struct catalog_channel *channel,
                         const uint8_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, entries += JOURNAL_RANGE) {
        struct journal_range r = journal_get_range(entries);
        if (!number_set_add(&channel->done, r.first, r.first + r.count))
            return false;
    }
    return true;
}

static bool apply_channel(struct catalog *c, const struct journal_channel *said)
{
    struct catalog_channel *channel = catalog_find(c, said->id);
    if (!channel)
        channel = add_channel(c, said->id);
    if (!channel)
        return false;
    channel->kind = said->kind;
    channel->name_bytes = (uint8_t)said->name_bytes;
    memcpy(channel->name, said->name, said->name_bytes);
    if (said->next > channel->next)
        channel->next = said->next;
    if (said->floor > channel->floor)
        channel->floor = said->floor;
    if (said->id >= c->numbers.next_channel)
        c->numbers.next_channel = said->id + 1;
    return apply_ranges(channel, said->range_entries, said->ranges);
}

static bool apply_channels(struct catalog *c,
                           const struct journal_record *record,
                           const uint8_t *payload)
{
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_channel said;
        payload = journal_get_channel(&said, payload);
        if (!apply_channel(c, &said))
            return false;
    }
    return true;
}

void catalog_raise(struct catalog *c, uint32_t channel, uint64_t next)
{
    struct catalog_channel *raised = catalog_find(c, channel);
    if (raised && next > raised->next)
        raised->next = next;
}

static bool apply_acks(struct catalog *c, const struct journal_record *record,
                       const uint8_t *payload)
{
    struct catalog_channel *channel = catalog_find(c, record->channel);
    struct journal_range last = journal_get_range(
        payload + (size_t)(record->count - 1) * JOURNAL_RANGE);
    catalog_raise(c, record->channel, last.first + last.count);
    return !channel || apply_ranges(channel, payload, record->count);
}

static bool apply_drop(struct catalog *c, const struct journal_record *record,
                       const uint8_t *payload)
{
    struct catalog_channel *channel = catalog_find(c, record->channel);
    (void)payload;
    if (!channel)
        return true;
    channel->is_dropped = true;
    if (channel->next > c->numbers.above + 1)
        c->numbers.above = channel->next - 1;
    return true;
}

static bool apply_trim(struct catalog *c, const struct journal_record *record,
                       const uint8_t *payload)
{
    struct catalog_channel *channel = catalog_find(c, record->channel);
    (void)payload;
    if (channel && record->first > channel->floor)
        channel->floor = record->first;
    return true;
}

static bool apply_segments(struct catalog *c,
                           const struct journal_record *record,
                           const uint8_t *payload)
{
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_segment_entry *segments = vector_grow(
            c->segments, &c->segment_room, c->segment_count, sizeof *segments);
        if (!segments)
            return false;
        c->segments = segments;
        segments[c->segment_count++] = journal_get_segment_entry(payload);
        payload += JOURNAL_SEGMENT_ENTRY;
    }
    return true;
}

static bool apply_free(struct catalog *c, const struct journal_record *record,
                       const uint8_t *payload)
{
    for (uint32_t i = 0; i < record->count; i++) {
        uint64_t id = little_get_64(payload + (size_t)i * JOURNAL_FREE_ENTRY);
        if (!number_set_add(&c->freed, id, id + 1))
            return false;
    }
    return true;
}

static bool apply_numbers(struct catalog *c,
                          const struct journal_record *record,
                          const uint8_t *payload)
{
    struct journal_numbers said = journal_get_numbers(payload);
    (void)record;
    if (said.above > c->numbers.above)
        c->numbers.above = said.above;
    if (said.next_channel > c->numbers.next_channel)
        c->numbers.next_channel = said.next_channel;
    return true;
}

/* Whether messages of an older segment may be left out. */
static bool is_of_no_use(const struct catalog *c,
                         const struct catalog_channel *channel,
                         const struct journal_record *record, bool is_older)
{
    return !c->keeps_done && is_older &&
           catalog_count_live(channel, record->first,
                              record->first + record->count) == 0;
}

static bool apply_messages(struct catalog *c,
                           const struct journal_record *record,
                           const struct catalog_place *place)
{
    struct catalog_channel *channel = catalog_find(c, record->channel);
    uint64_t end = record->first + record->count;
    if (!channel && !place->is_older)
        c->nameless += record->count;
    if (!channel || is_of_no_use(c, channel, record, place->is_older))
        return true;
    if (!place->is_older)
        catalog_raise(c, record->channel, end);
    struct catalog_extent *extents = vector_grow(
        c->extents, &c->extent_room, c->extent_count, sizeof *extents);
    if (!extents)
        return false;
    c->extents = extents;
    extents[c->extent_count++] =
        (struct catalog_extent){.channel = record->channel,
                                .count = record->count,
                                .first = record->first,
                                .offset = place->offset,
                                .bytes = record->bytes,
                                .checksum = record->checksum,
                                .file = place->file,
                                .form = record->form,
                                .at_ms = place->at_ms};
    return number_set_add(&channel->found, record->first, end);
}

bool catalog_apply(struct catalog *c, const struct journal_record *record,
                   const uint8_t *payload, const struct catalog_place *place)
{
    static bool (*const apply[JOURNAL_TYPES])(
        struct catalog *, const struct journal_record *, const uint8_t *) = {
        [JOURNAL_ACKS] = apply_acks,         [JOURNAL_CHANNEL] = apply_channels,
        [JOURNAL_DROP] = apply_drop,         [JOURNAL_TRIM] = apply_trim,
        [JOURNAL_SEGMENTS] = apply_segments, [JOURNAL_FREE] = apply_free,
        [JOURNAL_NUMBERS] = apply_numbers,
    };
    if (record->type == JOURNAL_MESSAGES)
        return apply_messages(c, record, place);
    if (place->is_older || record->type >= JOURNAL_TYPES ||
        !apply[record->type])
        return true;
    return apply[record->type](c, record, payload);
}

static int compare_extents(const void *a, const void *b)
{
    const struct catalog_extent *x = a, *y = b;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->file < y->file) - (x->file > y->file); /* the later copy first */
}

void catalog_settle(struct catalog *c)
{
    number_set_settle(&c->freed);
    for (size_t i = 0; i < c->channel_count; i++) {
        number_set_settle(&c->channels[i].done);
        number_set_settle(&c->channels[i].found);
    }
    if (c->extent_count > 0)
        qsort(c->extents, c->extent_count, sizeof *c->extents, compare_extents);
}

bool catalog_is_done(const struct catalog_channel *channel, uint64_t number)
{
    return channel->is_dropped || number < channel->floor ||
           number_set_has(&channel->done, number);
}

uint64_t catalog_count_live(const struct catalog_channel *channel,
                            uint64_t first, uint64_t end)
{
    if (first < channel->floor)
        first = channel->floor;
    if (channel->is_dropped || first >= end)
        return 0;
    return end - first - number_set_count(&channel->done, first, end);
}

/* The first number from `number` on that is neither done nor found. */
static uint64_t skip_known(const struct catalog_channel *channel,
                           uint64_t number)
{
    for (;;) {
        const struct number_run *done = number_set_at(&channel->done, number);
        const struct number_run *found = number_set_at(&channel->found, number);
        if (done && done->first <= number)
            number = done->end;
        else if (found && found->first <= number)
            number = found->end;
        else
            return number;
    }
}

/* The first number above it that is done or found. */
static uint64_t next_known(const struct catalog_channel *channel,
                           uint64_t number)
{
    const struct number_run *done = number_set_at(&channel->done, number);
    const struct number_run *found = number_set_at(&channel->found, number);
    uint64_t end = channel->next;
    if (done && done->first < end)
        end = done->first;
    if (found && found->first < end)
        end = found->first;
    return end;
}

void catalog_each_lost(const struct catalog *c,
                       void (*lost)(void *arg,
                                    const struct catalog_channel *channel,
                                    struct number_run run),
                       void *arg)
{
    for (size_t i = 0; i < c->channel_count; i++) {
        const struct catalog_channel *channel = &c->channels[i];
        struct number_run run = {.end = channel->floor};
        if (channel->is_dropped || channel->kind != JOURNAL_QUEUE)
            continue;
        while ((run.first = skip_known(channel, run.end)) < channel->next) {
            run.end = next_known(channel, run.first);
            lost(arg, channel, run);
        }
    }
}
