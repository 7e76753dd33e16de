/* SPDX-License-Identifier: MIT */
#include "broker/store/contents.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "broker/store/complaint.h"
#include "broker/store/fault.h"
#include "proto/journal_reader.h"

/* How far a segment is read. */
struct progress {
    uint64_t first;           /* offset of its first batch */
    uint64_t at;              /* of the next one, */
    uint64_t last;            /* and of the one before; 0: that is the first */
    uint64_t number;          /* of the one before */
    bool has_index;           /* INDEX was read; it is not counted */
    enum journal_fault fault; /* the next one's; it is not read */
};

static struct segment *segment_at(const struct opening *o, uint32_t place)
{
    return &o->e->shelf.segments[place];
}

struct segment *contents_segment(struct opening *o, uint64_t id)
{
    struct shelf *shelf = &o->e->shelf;
    for (uint32_t i = 0; i < shelf->count; i++)
        if (shelf->segments[i].id == id)
            return &shelf->segments[i];
    uint32_t place = shelf_place(shelf);
    if (place == SEGMENT_NONE)
        return NULL;
    shelf->segments[place].id = id;
    shelf->segments[place].is_freed = true;
    return &shelf->segments[place];
}

/* One segment. */

static enum engine_result damage(struct opening *o, uint32_t place, uint64_t at,
                                 enum journal_fault fault)
{
    return complaint_damage(o->report, segment_at(o, place)->id, at,
                            journal_fault_text(fault));
}

/* Reads the header. What STATE says of the segment stays as it is. */
static enum engine_result segment_open(struct opening *o, uint32_t place,
                                       struct progress *p)
{
    struct segment *segment = segment_at(o, place);
    struct journal_segment head;
    struct window *w = &o->e->window;
    const uint8_t *bytes = window_get(w, place, 0, JOURNAL_SEGMENT_HEADER);
    if (w->error == ENOENT)
        return complaint(o->report, ENGINE_DAMAGED,
                         "segment %016" PRIx64 " is missing", segment->id);
    if (w->error)
        return complaint_error(o->report, w->error, "reading a segment");
    enum journal_fault fault =
        journal_get_segment(&head, bytes, bytes ? JOURNAL_SEGMENT_HEADER : 0);
    if (fault == JOURNAL_NEWER)
        return complaint(o->report, ENGINE_NEWER,
                         "a newer version wrote segment %016" PRIx64,
                         segment->id);
    if (fault)
        return damage(o, place, 0, fault);
    if (head.id != segment->id ||
        memcmp(head.uuid, o->e->uuid, JOURNAL_UUID) != 0)
        return complaint_damage(o->report, segment->id, 0,
                                "it belongs elsewhere");
    if (segment->bytes < head.file_bytes)
        return complaint_damage(o->report, segment->id, segment->bytes,
                                "it is cut short");
    segment->seed = STORE_FAULT(NO_SEED) ? 0 : journal_seed(&head);
    segment->bytes = segment->readable = head.file_bytes;
    *p = (struct progress){.first = head.header_bytes,
                           .at = head.header_bytes,
                           .number = head.first_batch - 1};
    return ENGINE_OPENED;
}

/* Takes what a record says, which lies at an offset of its segment and in the
 * batch with that number; false without memory. */
typedef bool take_fn(struct opening *o, uint32_t place, uint64_t batch,
                     const struct journal_record *record,
                     const uint8_t *payload, uint64_t at);

static enum engine_result batch_take(struct opening *o, uint32_t place,
                                     const struct progress *p, uint64_t number,
                                     const uint8_t *bytes, take_fn *take)
{
    struct journal_walk walk = journal_walk(bytes);
    struct journal_record record;
    const uint8_t *payload;
    while (journal_walk_next(&walk, &record, &payload)) {
        if (journal_check(&record, payload))
            return damage(o, place, p->at, JOURNAL_MALFORMED);
        if (!take(o, place, number, &record, payload,
                  p->at + (uint64_t)(payload - bytes) - JOURNAL_RECORD_HEADER))
            return ENGINE_NO_MEMORY;
    }
    return ENGINE_OPENED;
}

/* Reads batches up to that with number `last`, to INDEX, or to one that is not
 * sound. */
static enum engine_result segment_read(struct opening *o, uint32_t place,
                                       struct progress *p, uint64_t last,
                                       take_fn *take)
{
    struct window *w = &o->e->window;
    struct journal_reader reader = window_reader(w, place);
    enum engine_result result = ENGINE_OPENED;
    w->chunk = WINDOW_SCAN_BYTES;
    while (!result && !p->has_index && p->number < last) {
        struct journal_batch batch;
        const uint8_t *bytes;
        p->fault = journal_read_batch(&reader, p->at, &batch, &bytes);
        if (w->error == ENOMEM)
            return ENGINE_NO_MEMORY;
        if (!p->fault && batch.number != p->number + 1)
            p->fault = JOURNAL_MALFORMED;
        if (p->fault)
            break;
        result = batch_take(o, place, p, batch.number, bytes, take);
        if (batch.flags & JOURNAL_BATCH_INDEX) {
            p->has_index = true;
            break;
        }
        p->last = p->at == p->first ? 0 : p->at;
        p->at = journal_batch_end(&batch, p->at);
        p->number = batch.number;
    }
    return result;
}

/* The newest segment. */

static bool apply_ranges(struct catalog *c, struct catalog_channel *channel,
                         const uint8_t *ranges, uint32_t count)
{
    for (uint32_t i = 0; channel && i < count; i++) {
        union journal_entry e;
        ranges = journal_get(JOURNAL_ACKS, &e, ranges);
        if (!catalog_ack(c, channel, e.range.first,
                         e.range.first + e.range.count, true))
            return false;
    }
    return true;
}

static bool apply_channel(struct catalog *c, const struct journal_channel *said)
{
    struct catalog_channel *channel = catalog_find(c, said->id);
    if (!channel)
        channel = catalog_open(c, said->id, said->name, said->name_bytes,
                               said->floor);
    if (!channel)
        return false;
    if (channel->next < said->next)
        channel->next = said->next;
    catalog_trim(c, channel, said->floor);
    return apply_ranges(c, channel, said->done, said->ranges);
}

/* A segment that is not on the shelf has no file: its header is missed. */
static bool apply_segment(struct opening *o,
                          const struct journal_segment_entry *said)
{
    struct segment *segment = contents_segment(o, said->id);
    if (!segment)
        return false;
    if (segment->readable == 0)
        segment->bytes = segment->readable = JOURNAL_SEGMENT_HEADER;
    segment->is_freed = false;
    segment->last_batch = said->last_batch;
    segment->end = said->end;
    return true;
}

static bool apply_freed(struct opening *o, uint64_t id, uint64_t batch)
{
    struct segment *segment = contents_segment(o, id);
    if (!segment)
        return false;
    segment->is_freed = true;
    segment->last_batch = batch;
    return true;
}

static void apply_numbers(struct catalog *c, const struct journal_numbers *said)
{
    if (said->above > c->above)
        c->above = said->above;
    if (said->next_channel > c->next_channel)
        c->next_channel = said->next_channel;
}

static bool apply_entry(struct opening *o, enum journal_type type,
                        const union journal_entry *e, uint64_t batch)
{
    switch (type) {
    case JOURNAL_CHANNEL:
        return apply_channel(&o->e->catalog, &e->channel);
    case JOURNAL_SEGMENTS:
        return apply_segment(o, &e->segment);
    case JOURNAL_FREE:
        return apply_freed(o, e->freed, batch);
    case JOURNAL_NUMBERS:
        apply_numbers(&o->e->catalog, &e->numbers);
        return true;
    default:
        return true;
    }
}

/* All but where messages are. */
static bool apply_record(struct opening *o, uint32_t place, uint64_t batch,
                         const struct journal_record *record,
                         const uint8_t *payload, uint64_t at)
{
    struct catalog *c = &o->e->catalog;
    struct catalog_channel *channel = catalog_find(c, record->channel);
    uint64_t end = record->first + record->count;
    bool ok = true;
    (void)place;
    (void)at;
    switch ((enum journal_type)record->type) {
    case JOURNAL_MESSAGES:
        if (channel && channel->next < end)
            channel->next = end;
        return true;
    case JOURNAL_ACKS:
        return apply_ranges(c, channel, payload, record->count);
    case JOURNAL_DROP:
        if (channel)
            catalog_drop(c, channel);
        return true;
    case JOURNAL_TRIM:
        if (channel)
            catalog_trim(c, channel, record->first);
        return true;
    case JOURNAL_CHANNEL:
    case JOURNAL_SEGMENTS:
    case JOURNAL_FREE:
    case JOURNAL_NUMBERS:
        for (uint32_t i = 0; ok && i < record->count; i++) {
            union journal_entry e;
            payload = journal_get(record->type, &e, payload);
            ok = apply_entry(o, record->type, &e, batch);
        }
        return ok;
    default:
        return true;
    }
}

/* Whether what stopped the reading of the newest segment is its end, or the
 * batch that was being written when the store was: damage otherwise. */
static enum engine_result newest_end(struct opening *o,
                                     const struct progress *p)
{
    const struct segment *newest = segment_at(o, o->newest);
    struct journal_reader reader = window_reader(&o->e->window, o->newest);
    struct journal_batch torn;
    uint64_t index;
    if (p->has_index)
        return ENGINE_OPENED;
    if (journal_read_seal(&reader, newest->id, newest->bytes, &index)) {
        o->is_closed = true;
        return index > p->at ? damage(o, o->newest, p->at, p->fault)
                             : ENGINE_OPENED;
    }
    uint64_t found = journal_find_batch(&reader, p->at, &torn);
    if (found == p->at) {
        o->report->torn_bytes = torn.bytes;
        found = journal_find_batch(&reader, p->at + JOURNAL_ALIGNMENT, &torn);
    }
    return found < reader.limit ? damage(o, o->newest, p->at, p->fault)
                                : ENGINE_OPENED;
}

enum engine_result contents_newest(struct opening *o)
{
    struct progress p;
    struct journal_reader reader;
    struct journal_batch state;
    const uint8_t *bytes;
    enum engine_result result = segment_open(o, o->newest, &p);
    if (result)
        return result;
    reader = window_reader(&o->e->window, o->newest);
    enum journal_fault fault =
        journal_read_batch(&reader, p.at, &state, &bytes);
    if (fault || !(state.flags & JOURNAL_BATCH_STATE))
        return damage(o, o->newest, p.at, fault);
    result = segment_read(o, o->newest, &p, UINT64_MAX, apply_record);
    if (result || p.number < state.number)
        return result ? result : damage(o, o->newest, p.at, p.fault);
    result = newest_end(o, &p);
    o->is_closed = o->is_closed || p.has_index;
    o->again = p.last;
    struct segment *newest = segment_at(o, o->newest);
    newest->is_freed = false;
    newest->end = p.at;
    newest->last_batch = p.number;
    return result;
}

/* Where messages are. */

static bool load_place(struct opening *o, uint32_t place,
                       const struct journal_index_entry *entry)
{
    struct catalog_channel *channel =
        catalog_find(&o->e->catalog, entry->channel);
    return !channel || catalog_load(channel, catalog_place(entry, place));
}

static bool load_record(struct opening *o, uint32_t place, uint64_t batch,
                        const struct journal_record *record,
                        const uint8_t *payload, uint64_t at)
{
    const struct journal_index_entry entry = {
        .first = record->first,
        .channel = record->channel,
        .count = record->count,
        .at = (uint32_t)(at / JOURNAL_ALIGNMENT),
        .bytes = record->bytes};
    (void)batch;
    (void)payload;
    return record->type != JOURNAL_MESSAGES || load_place(o, place, &entry);
}

/* The INDEX of a segment, sound; NULL: it has none. */
static const uint8_t *index_find(struct opening *o, uint32_t place,
                                 struct journal_record *record)
{
    const struct segment *segment = segment_at(o, place);
    struct journal_reader reader = window_reader(&o->e->window, place);
    struct journal_batch batch;
    const uint8_t *bytes, *payload;
    uint64_t at;
    o->e->window.chunk = WINDOW_FEW_BYTES;
    if (!journal_read_seal(&reader, segment->id, segment->bytes, &at) ||
        at != segment->end || journal_read_batch(&reader, at, &batch, &bytes) ||
        batch.number != segment->last_batch + 1)
        return NULL;
    struct journal_walk walk = journal_walk(bytes);
    if (!journal_walk_next(&walk, record, &payload) ||
        record->type != JOURNAL_INDEX || journal_check(record, payload))
        return NULL;
    return payload;
}

/* Reads a segment that the newest one names. */
static enum engine_result live_read(struct opening *o, uint32_t place)
{
    struct progress p;
    struct journal_record record;
    union journal_entry e;
    o->e->window.chunk = WINDOW_FEW_BYTES;
    enum engine_result result = segment_open(o, place, &p);
    if (result)
        return result;
    const struct segment *segment = segment_at(o, place);
    const uint8_t *index = index_find(o, place, &record);
    if (index) {
        for (uint32_t i = 0; i < record.count; i++) {
            index = journal_get(JOURNAL_INDEX, &e, index);
            if (!load_place(o, place, &e.index))
                return ENGINE_NO_MEMORY;
        }
        return ENGINE_OPENED;
    }
    result = segment_read(o, place, &p, segment->last_batch, load_record);
    if (result)
        return result;
    if (p.number != segment->last_batch)
        return damage(o, place, p.at, p.fault);
    return p.at == segment->end ? ENGINE_OPENED
                                : complaint_damage(o->report, segment->id, p.at,
                                                   "it ends elsewhere");
}

/* From old to new, so that numbers mostly rise. */
enum engine_result contents_messages(struct opening *o)
{
    struct progress newest;
    struct shelf *shelf = &o->e->shelf;
    enum engine_result result = ENGINE_OPENED;
    for (uint32_t i = 0; !result && i < shelf->count; i++)
        if (i != o->newest && !shelf->segments[i].is_freed)
            result = live_read(o, i);
    if (!result)
        result = segment_open(o, o->newest, &newest);
    if (!result)
        result =
            segment_read(o, o->newest, &newest,
                         segment_at(o, o->newest)->last_batch, load_record);
    if (!result)
        catalog_settle(&o->e->catalog);
    return result;
}
