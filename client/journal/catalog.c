/* SPDX-License-Identifier: MIT */
#include "client/journal/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "common/vector.h"

void catalog_fini(struct catalog *c)
{
    for (size_t i = 0; i < c->channel_count; i++) {
        ranges_clear(&c->channels[i].done);
        ranges_clear(&c->channels[i].found);
    }
    free(c->channels);
    free(c->extents);
    free(c->segments);
    ranges_clear(&c->freed);
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

void catalog_raise(struct catalog *c, uint32_t channel, uint64_t next)
{
    struct catalog_channel *raised = catalog_find(c, channel);
    if (raised && next > raised->next)
        raised->next = next;
}

bool catalog_add(struct ranges *to, uint64_t first, uint64_t end)
{
    if (first >= end)
        return true;
    if (!ranges_reserve(to))
        return false;
    ranges_add(to, first, end);
    return true;
}

static bool add_done(struct catalog_channel *channel,
                     const struct journal_range *r)
{
    return catalog_add(&channel->done, r->first, r->first + r->count);
}

/* What an entry of each type says. */

static bool apply_range(struct catalog *c, const struct journal_record *record,
                        const union journal_entry *entry)
{
    const struct journal_range *r = &entry->range;
    struct catalog_channel *channel = catalog_find(c, record->channel);
    catalog_raise(c, record->channel, r->first + r->count);
    return !channel || add_done(channel, r);
}

static bool apply_channel(struct catalog *c,
                          const struct journal_record *record,
                          const union journal_entry *entry)
{
    const struct journal_channel *said = &entry->channel;
    const uint8_t *at = said->done;
    struct catalog_channel *channel = catalog_find(c, said->id);
    bool ok = true;
    (void)record;
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
    for (uint32_t i = 0; i < said->ranges && ok; i++) {
        union journal_entry done;
        at = journal_get(JOURNAL_ACKS, &done, at);
        ok = add_done(channel, &done.range);
    }
    return ok;
}

static bool apply_segment(struct catalog *c,
                          const struct journal_record *record,
                          const union journal_entry *entry)
{
    struct journal_segment_entry *segments = vector_grow(
        c->segments, &c->segment_room, c->segment_count, sizeof *segments);
    (void)record;
    if (!segments)
        return false;
    c->segments = segments;
    segments[c->segment_count++] = entry->segment;
    return true;
}

static bool apply_free(struct catalog *c, const struct journal_record *record,
                       const union journal_entry *entry)
{
    (void)record;
    return catalog_add(&c->freed, entry->freed, entry->freed + 1);
}

static bool apply_numbers(struct catalog *c,
                          const struct journal_record *record,
                          const union journal_entry *entry)
{
    (void)record;
    if (entry->numbers.above > c->numbers.above)
        c->numbers.above = entry->numbers.above;
    if (entry->numbers.next_channel > c->numbers.next_channel)
        c->numbers.next_channel = entry->numbers.next_channel;
    return true;
}

/* What records without entries say. */

static void apply_drop(struct catalog *c, struct catalog_channel *channel)
{
    channel->is_dropped = true;
    if (channel->next > c->numbers.above + 1)
        c->numbers.above = channel->next - 1;
}

static void apply_trim(struct catalog_channel *channel, uint64_t first)
{
    if (first > channel->floor)
        channel->floor = first;
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
    return catalog_add(&channel->found, record->first, end);
}

bool catalog_apply(struct catalog *c, const struct journal_record *record,
                   const uint8_t *payload, const struct catalog_place *place)
{
    static bool (*const apply[JOURNAL_TYPES])(struct catalog *,
                                              const struct journal_record *,
                                              const union journal_entry *) = {
        [JOURNAL_ACKS] = apply_range,       [JOURNAL_CHANNEL] = apply_channel,
        [JOURNAL_SEGMENTS] = apply_segment, [JOURNAL_FREE] = apply_free,
        [JOURNAL_NUMBERS] = apply_numbers,
    };
    struct catalog_channel *channel = catalog_find(c, record->channel);
    if (record->type == JOURNAL_MESSAGES)
        return apply_messages(c, record, place);
    if (place->is_older || record->type >= JOURNAL_TYPES)
        return true;
    if (record->type == JOURNAL_DROP && channel)
        apply_drop(c, channel);
    if (record->type == JOURNAL_TRIM && channel)
        apply_trim(channel, record->first);
    for (uint32_t i = 0; i < record->count && apply[record->type]; i++) {
        union journal_entry entry;
        payload = journal_get(record->type, &entry, payload);
        if (!apply[record->type](c, record, &entry))
            return false;
    }
    return true;
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
    if (c->extent_count > 0)
        qsort(c->extents, c->extent_count, sizeof *c->extents, compare_extents);
}

bool catalog_is_done(const struct catalog_channel *channel, uint64_t number)
{
    return channel->is_dropped || number < channel->floor ||
           ranges_has(&channel->done, number);
}

uint64_t catalog_count_live(const struct catalog_channel *channel,
                            uint64_t first, uint64_t end)
{
    if (first < channel->floor)
        first = channel->floor;
    if (channel->is_dropped || first >= end)
        return 0;
    return end - first - ranges_overlap(&channel->done, first, end);
}

void catalog_each_lost(const struct catalog *c,
                       void (*each)(void *arg,
                                    const struct catalog_channel *channel,
                                    struct range lost),
                       void *arg)
{
    for (size_t i = 0; i < c->channel_count; i++) {
        const struct catalog_channel *channel = &c->channels[i];
        uint64_t done, found, next = channel->next, at = channel->floor;
        if (channel->is_dropped || channel->kind != JOURNAL_QUEUE)
            continue;
        while (at < next) {
            uint64_t from = at;
            at = ranges_gap(&channel->done, at, &done);
            at = ranges_gap(&channel->found, at, &found);
            if (at > from || at >= next)
                continue; /* it may be in the other set */
            uint64_t end = done < found ? done : found;
            end = end < next ? end : next;
            each(arg, channel, (struct range){at, end});
            at = end;
        }
    }
}
