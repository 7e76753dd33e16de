/* SPDX-License-Identifier: MIT */
#include "broker/store/contents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store/complaint.h"
#include "broker/store/fault.h"
#include "proto/little.h"

static struct file_name *file_find(const struct opening *o, uint64_t id)
{
    for (uint32_t i = 0; i < o->file_count; i++)
        if (o->files[i].id == id)
            return &o->files[i];
    return NULL;
}

/* Puts a segment on the shelf and reads its header. */
static enum engine_result segment_open(struct opening *o, uint64_t id,
                                       uint32_t *place)
{
    struct engine *e = o->e;
    const struct file_name *name = file_find(o, id);
    struct journal_segment head;
    if (!name)
        return complaint(o->report, ENGINE_DAMAGED,
                         "segment %016" PRIx64 " is missing", id);
    *place = shelf_place(&e->shelf);
    if (*place == SEGMENT_NONE)
        return ENGINE_NO_MEMORY;
    struct segment *segment = &e->shelf.segments[*place];
    segment->id = id;
    segment->readable = name->bytes;
    const uint8_t *bytes =
        window_get(&e->window, *place, 0, JOURNAL_SEGMENT_HEADER);
    if (e->window.error)
        return complaint_error(o->report, e->window.error, "reading a segment");
    enum journal_fault fault =
        journal_get_segment(&head, bytes, bytes ? JOURNAL_SEGMENT_HEADER : 0);
    if (fault == JOURNAL_NEWER)
        return complaint(o->report, ENGINE_NEWER,
                         "a newer version wrote segment %016" PRIx64, id);
    if (fault)
        return complaint_damage(o->report, id, 0, journal_fault_text(fault));
    if (head.id != id || memcmp(head.uuid, e->uuid, JOURNAL_UUID) != 0)
        return complaint_damage(o->report, id, 0, "it belongs elsewhere");
    segment->seed = STORE_FAULT(NO_SEED) ? 0 : journal_seed(&head);
    segment->bytes = segment->readable = head.file_bytes;
    segment->end = head.header_bytes;
    segment->last_batch = head.first_batch - 1;
    return ENGINE_OPENED;
}

typedef bool record_fn(struct opening *o, uint32_t segment,
                       const struct journal_record *record,
                       const uint8_t *payload, uint64_t at);

/* The batch at an offset of a segment, verified; NULL, and why. */
static const uint8_t *batch_get(struct engine *e, uint32_t place, uint64_t at,
                                struct journal_batch *batch,
                                enum journal_fault *fault)
{
    uint32_t seed = e->shelf.segments[place].seed;
    const uint8_t *bytes =
        window_get(&e->window, place, at, JOURNAL_BATCH_HEADER);
    *fault = bytes ? journal_get_batch(batch, seed, bytes, JOURNAL_BATCH_HEADER)
                   : JOURNAL_SHORT;
    if (*fault)
        return NULL;
    bytes = window_get(&e->window, place, at, batch->bytes);
    *fault = bytes ? journal_verify(batch, seed, bytes, (size_t)batch->bytes)
                   : JOURNAL_SHORT;
    return *fault ? NULL : bytes;
}

/* Reads the batch behind the end of a segment; the end moves behind it if it is
 * sound. `*fault` says why it is not. */
static enum engine_result batch_read(struct opening *o, uint32_t place,
                                     struct journal_batch *batch,
                                     record_fn *each, enum journal_fault *fault)
{
    struct segment *segment = &o->e->shelf.segments[place];
    uint64_t at = segment->end;
    const uint8_t *bytes = batch_get(o->e, place, at, batch, fault);
    if (o->e->window.error == ENOMEM)
        return ENGINE_NO_MEMORY;
    if (!*fault && batch->number != segment->last_batch + 1)
        *fault = JOURNAL_MALFORMED;
    if (*fault)
        return ENGINE_OPENED;
    struct journal_walk walk = journal_walk(bytes);
    struct journal_record record;
    const uint8_t *payload;
    while (journal_walk_next(&walk, &record, &payload)) {
        *fault = journal_check(&record, payload);
        if (*fault)
            return complaint_damage(o->report, segment->id, at,
                                    journal_fault_text(*fault));
        if (!each(o, place, &record, payload,
                  at + (uint64_t)(payload - bytes) - JOURNAL_RECORD_HEADER))
            return ENGINE_NO_MEMORY;
    }
    if (!(batch->flags & JOURNAL_BATCH_INDEX)) {
        segment->end = journal_batch_end(batch, at);
        segment->last_batch = batch->number;
    }
    return ENGINE_OPENED;
}

static bool load_place(struct opening *o, uint32_t segment,
                       const struct journal_index_entry *entry)
{
    struct catalog_channel *channel =
        catalog_find(&o->e->catalog, entry->channel);
    return !channel || catalog_load(channel, catalog_place(entry, segment));
}

static bool load_messages(struct opening *o, uint32_t segment,
                          const struct journal_record *record,
                          const uint8_t *payload, uint64_t at)
{
    (void)payload;
    return record->type != JOURNAL_MESSAGES ||
           load_place(o, segment,
                      &(struct journal_index_entry){
                          .first = record->first,
                          .channel = record->channel,
                          .count = record->count,
                          .at = (uint32_t)(at / JOURNAL_ALIGNMENT),
                          .bytes = record->bytes});
}

/* What the newest one says, messages apart. */

static bool add_live(struct opening *o, const uint8_t *payload, uint32_t count)
{
    o->live = calloc(count + 1, sizeof *o->live);
    if (!o->live)
        return false;
    for (o->live_count = 0; o->live_count < count; o->live_count++) {
        union journal_entry entry;
        payload = journal_get(JOURNAL_SEGMENTS, &entry, payload);
        o->live[o->live_count] = entry.segment;
    }
    return true;
}

static void free_live(struct opening *o, const uint8_t *payload, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id = little_get_64(payload + (size_t)i * JOURNAL_FREE_ENTRY);
        struct file_name *file = file_find(o, id);
        for (uint32_t k = 0; k < o->live_count; k++)
            if (o->live[k].id == id)
                o->live[k--] = o->live[--o->live_count];
        if (file)
            file->freed_in = o->e->shelf.segments[o->newest].last_batch + 1;
    }
}

static bool apply_ranges(struct catalog *c, struct catalog_channel *channel,
                         const uint8_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        union journal_entry entry;
        entries = journal_get(JOURNAL_ACKS, &entry, entries);
        if (!catalog_ack(c, channel, entry.range.first,
                         entry.range.first + entry.range.count, true))
            return false;
    }
    return true;
}

static bool apply_channels(struct catalog *c, const uint8_t *payload,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        union journal_entry any;
        payload = journal_get(JOURNAL_CHANNEL, &any, payload);
        const struct journal_channel entry = any.channel;
        struct catalog_channel *channel = catalog_find(c, entry.id);
        if (!channel)
            channel = catalog_open(c, entry.id, entry.name, entry.name_bytes,
                                   entry.floor);
        if (!channel)
            return false;
        if (channel->next < entry.next)
            channel->next = entry.next;
        catalog_trim(c, channel, entry.floor);
        if (!apply_ranges(c, channel, entry.done, entry.ranges))
            return false;
    }
    return true;
}

static void apply_numbers(struct catalog *c, const uint8_t *payload)
{
    union journal_entry entry;
    journal_get(JOURNAL_NUMBERS, &entry, payload);
    struct journal_numbers numbers = entry.numbers;
    if (numbers.above > c->above)
        c->above = numbers.above;
    if (numbers.next_channel > c->next_channel)
        c->next_channel = numbers.next_channel;
}

static bool apply_record(struct opening *o, uint32_t segment,
                         const struct journal_record *record,
                         const uint8_t *payload, uint64_t at)
{
    struct catalog *c = &o->e->catalog;
    struct catalog_channel *channel = catalog_find(c, record->channel);
    uint64_t end = record->first + record->count;
    (void)segment;
    (void)at;
    switch ((enum journal_type)record->type) {
    case JOURNAL_MESSAGES:
        if (channel && channel->next < end)
            channel->next = end;
        return true;
    case JOURNAL_ACKS:
        return !channel || apply_ranges(c, channel, payload, record->count);
    case JOURNAL_CHANNEL:
        return apply_channels(c, payload, record->count);
    case JOURNAL_DROP:
        if (channel)
            catalog_drop(c, channel);
        return true;
    case JOURNAL_TRIM:
        if (channel)
            catalog_trim(c, channel, record->first);
        return true;
    case JOURNAL_SEGMENTS:
        return o->live || add_live(o, payload, record->count);
    case JOURNAL_FREE:
        free_live(o, payload, record->count);
        return true;
    case JOURNAL_NUMBERS:
        apply_numbers(c, payload);
        return true;
    case JOURNAL_INDEX:
    case JOURNAL_TYPES:
        break;
    }
    return true;
}

/* Whether a batch begins there, which the seed of the segment makes sure of. */
static bool batch_begins(struct engine *e, uint32_t place, uint64_t at,
                         struct journal_batch *batch)
{
    const uint8_t *bytes =
        window_get(&e->window, place, at, JOURNAL_BATCH_HEADER);
    return bytes && !journal_get_batch(batch, e->shelf.segments[place].seed,
                                       bytes, JOURNAL_BATCH_HEADER);
}

bool contents_has_batch_behind(struct engine *e, uint32_t place)
{
    const struct segment *segment = &e->shelf.segments[place];
    struct journal_batch batch;
    for (uint64_t at = segment->end + JOURNAL_ALIGNMENT;
         at + JOURNAL_BATCH_HEADER <= segment->bytes; at += JOURNAL_ALIGNMENT)
        if (batch_begins(e, place, at, &batch))
            return true;
    return false;
}

/* The offset of a sealed segment's INDEX; false when it has no seal. */
static bool seal_get(struct engine *e, uint32_t place, uint64_t *index)
{
    const struct segment *segment = &e->shelf.segments[place];
    const uint8_t *bytes = NULL;
    if (segment->bytes >= JOURNAL_SEAL)
        bytes = window_get(&e->window, place, segment->bytes - JOURNAL_SEAL,
                           JOURNAL_SEAL);
    return bytes && journal_get_seal(index, segment->seed, segment->id, bytes);
}

/* Whether what stopped the reading of the newest segment is its end, or the
 * batch that was being written when the store was: damage otherwise. */
static enum engine_result newest_end(struct opening *o,
                                     enum journal_fault fault)
{
    struct segment *newest = &o->e->shelf.segments[o->newest];
    struct journal_batch torn;
    uint64_t index = 0;
    bool is_sealed = seal_get(o->e, o->newest, &index);
    if (is_sealed && index > newest->end)
        return complaint_damage(o->report, newest->id, newest->end,
                                journal_fault_text(fault));
    o->is_closed = o->is_closed || is_sealed;
    if (o->is_closed)
        return ENGINE_OPENED;
    if (contents_has_batch_behind(o->e, o->newest))
        return complaint_damage(o->report, newest->id, newest->end,
                                journal_fault_text(fault));
    if (batch_begins(o->e, o->newest, newest->end, &torn))
        o->report->torn_bytes = torn.bytes;
    return ENGINE_OPENED;
}

/* Reads the segment with the highest id, but for its messages. */
enum engine_result contents_newest(struct opening *o)
{
    uint64_t id = o->files[o->file_count - 1].id;
    struct journal_batch batch;
    enum journal_fault fault = JOURNAL_SOUND;
    enum engine_result result = segment_open(o, id, &o->newest);
    if (result)
        return result;
    struct segment *newest = &o->e->shelf.segments[o->newest];
    o->first_batch = newest->last_batch + 1;
    o->e->window.chunk = WINDOW_SCAN_BYTES;
    if (file_find(o, id)->bytes < newest->bytes)
        return complaint_damage(o->report, id, file_find(o, id)->bytes,
                                "it is cut short");
    for (uint64_t end = 0; !fault && !o->is_closed;) {
        uint64_t begin = newest->end;
        result = batch_read(o, o->newest, &batch, apply_record, &fault);
        if (result)
            return result;
        if (end == 0 && (fault || !(batch.flags & JOURNAL_BATCH_STATE)))
            return complaint_damage(o->report, id, begin,
                                    journal_fault_text(fault));
        if (!fault && batch.flags & JOURNAL_BATCH_INDEX)
            o->is_closed = true;
        else if (!fault)
            o->before_end = end, end = newest->end;
    }
    return newest_end(o, fault);
}

/* Where messages are. */

static enum engine_result scan(struct opening *o, uint32_t place,
                               uint64_t last_batch)
{
    struct segment *segment = &o->e->shelf.segments[place];
    struct journal_batch batch;
    enum journal_fault fault;
    o->e->window.chunk = WINDOW_SCAN_BYTES;
    while (segment->last_batch < last_batch) {
        enum engine_result result =
            batch_read(o, place, &batch, load_messages, &fault);
        if (result)
            return result;
        if (fault || batch.flags & JOURNAL_BATCH_INDEX)
            return complaint_damage(o->report, segment->id, segment->end,
                                    journal_fault_text(fault));
    }
    return ENGINE_OPENED;
}

static bool index_is_possible(const struct journal_record *record,
                              const uint8_t *payload, uint64_t end)
{
    if (record->type != JOURNAL_INDEX || journal_check(record, payload))
        return false;
    for (uint32_t i = 0; i < record->count; i++) {
        union journal_entry entry;
        payload = journal_get(JOURNAL_INDEX, &entry, payload);
        if ((uint64_t)entry.index.at * JOURNAL_ALIGNMENT +
                JOURNAL_RECORD_HEADER + journal_padded(entry.index.bytes) >
            end)
            return false;
    }
    return true;
}

/* Loads places from the segment's INDEX; *has_index is false when there is no
 * sound one. */
static enum engine_result index_read(struct opening *o, uint32_t place,
                                     const struct journal_segment_entry *entry,
                                     bool *has_index)
{
    struct engine *e = o->e;
    enum journal_fault fault;
    struct journal_batch batch;
    struct journal_record record;
    const uint8_t *payload;
    uint64_t index;
    *has_index = false;
    if (!seal_get(e, place, &index) || index != entry->end)
        return ENGINE_OPENED;
    const uint8_t *bytes = batch_get(e, place, index, &batch, &fault);
    if (!bytes || !(batch.flags & JOURNAL_BATCH_INDEX) ||
        batch.number != entry->last_batch + 1)
        return ENGINE_OPENED;
    struct journal_walk walk = journal_walk(bytes);
    if (!journal_walk_next(&walk, &record, &payload) ||
        !index_is_possible(&record, payload, entry->end))
        return ENGINE_OPENED;
    *has_index = true;
    for (uint32_t i = 0; i < record.count; i++) {
        union journal_entry one;
        payload = journal_get(JOURNAL_INDEX, &one, payload);
        if (!load_place(o, place, &one.index))
            return ENGINE_NO_MEMORY;
    }
    return ENGINE_OPENED;
}

static enum engine_result live_read(struct opening *o,
                                    const struct journal_segment_entry *entry)
{
    uint32_t place;
    bool has_index = false;
    o->e->window.chunk = WINDOW_FEW_BYTES;
    enum engine_result result = segment_open(o, entry->id, &place);
    if (!result)
        result = index_read(o, place, entry, &has_index);
    if (!result && !has_index)
        result = scan(o, place, entry->last_batch);
    if (result)
        return result;
    struct segment *segment = &o->e->shelf.segments[place];
    if (!has_index && segment->end != entry->end)
        return complaint_damage(o->report, entry->id, segment->end,
                                "it ends elsewhere");
    segment->end = entry->end;
    segment->last_batch = entry->last_batch;
    return ENGINE_OPENED;
}

static int live_compare(const void *a, const void *b)
{
    const struct journal_segment_entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* From old to new, so that numbers mostly rise. */
enum engine_result contents_messages(struct opening *o)
{
    struct segment *newest = &o->e->shelf.segments[o->newest];
    uint64_t last_batch = newest->last_batch;
    enum engine_result result = ENGINE_OPENED;
    if (o->live_count > 0)
        qsort(o->live, o->live_count, sizeof *o->live, live_compare);
    for (uint32_t i = 0; !result && i < o->live_count; i++)
        result = live_read(o, &o->live[i]);
    if (result)
        return result;
    newest = &o->e->shelf.segments[o->newest];
    newest->end = JOURNAL_SEGMENT_HEADER;
    newest->last_batch = o->first_batch - 1;
    result = scan(o, o->newest, last_batch);
    if (!result)
        catalog_settle(&o->e->catalog);
    return result;
}
