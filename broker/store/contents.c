/* SPDX-License-Identifier: MIT */
#include "broker/store/contents.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "broker/store/fault.h"
#include "proto/journal_reader.h"

/* A segment that is read, from its first batch on. */
struct scan {
    struct opening *o;
    uint32_t place;           /* on the shelf */
    uint64_t first;           /* offset of its first batch */
    uint64_t at;              /* of the next one, */
    uint64_t last;            /* and of the one before; 0: that is the first */
    uint64_t number;          /* of the one before */
    bool has_index;           /* INDEX was read; it is not counted */
    enum journal_fault fault; /* the next one's; it is not read */
};

/* Takes what a record of the next batch says, which lies at an offset of the
 * segment; false without memory. */
typedef bool take_fn(const struct scan *s, const struct journal_record *record,
                     const uint8_t *payload, uint64_t at);

bool contents_error(struct opening *o, int error, const char *what)
{
    o->report->error = error;
    return error != ENOMEM &&
           sentence_fail(&o->report->why, "%s: %s", what, strerror(error));
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

static struct segment *segment_of(const struct scan *s)
{
    return &s->o->e->shelf.segments[s->place];
}

/* It cannot be read from this byte on. */
static bool damage(const struct scan *s, uint64_t at, const char *what)
{
    return sentence_fail(&s->o->report->why,
                         "segment %016" PRIx64 " is damaged at byte %" PRIu64
                         ": %s",
                         segment_of(s)->id, at, what);
}

static bool fault(const struct scan *s, uint64_t at, enum journal_fault fault)
{
    return damage(s, at, journal_fault_text(fault));
}

/* Begins with the header. What STATE says of the segment stays as it is. */
static bool scan_begin(struct scan *s, struct opening *o, uint32_t place)
{
    struct journal_segment head;
    struct window *w = &o->e->window;
    const uint8_t *bytes = window_get(w, place, 0, JOURNAL_SEGMENT_HEADER);
    *s = (struct scan){.o = o, .place = place};
    struct segment *segment = segment_of(s);
    if (w->error == ENOENT)
        return sentence_fail(&o->report->why,
                             "segment %016" PRIx64 " is missing", segment->id);
    if (w->error)
        return contents_error(o, w->error, "reading a segment");
    enum journal_fault is_wrong =
        journal_get_segment(&head, bytes, bytes ? JOURNAL_SEGMENT_HEADER : 0);
    if (is_wrong == JOURNAL_NEWER)
        return sentence_fail(&o->report->why,
                             "a newer version wrote segment %016" PRIx64,
                             segment->id);
    if (is_wrong)
        return fault(s, 0, is_wrong);
    if (head.id != segment->id ||
        memcmp(head.uuid, o->e->uuid, JOURNAL_UUID) != 0)
        return damage(s, 0, "it belongs elsewhere");
    if (segment->bytes < head.file_bytes)
        return damage(s, segment->bytes, "it is cut short");
    segment->seed = STORE_FAULT(NO_SEED) ? 0 : journal_seed(&head);
    segment->bytes = segment->readable = head.file_bytes;
    s->first = s->at = head.header_bytes;
    s->number = head.first_batch - 1;
    return true;
}

static bool take_batch(const struct scan *s, const uint8_t *bytes,
                       take_fn *take)
{
    struct journal_walk walk = journal_walk(bytes);
    struct journal_record record;
    const uint8_t *payload;
    while (journal_walk_next(&walk, &record, &payload)) {
        if (journal_check(&record, payload))
            return fault(s, s->at, JOURNAL_MALFORMED);
        if (!take(s, &record, payload,
                  s->at + (uint64_t)(payload - bytes) - JOURNAL_RECORD_HEADER))
            return false;
    }
    return true;
}

/* Reads batches up to that with number `last`, to INDEX, or to one that is not
 * sound. */
static bool scan_run(struct scan *s, uint64_t last, take_fn *take)
{
    struct window *w = &s->o->e->window;
    struct journal_reader reader = window_reader(w, s->place);
    w->chunk = WINDOW_SCAN_BYTES;
    while (!s->has_index && s->number < last) {
        struct journal_batch batch;
        const uint8_t *bytes;
        s->fault = journal_read_batch(&reader, s->at, &batch, &bytes);
        if (w->error == ENOMEM)
            return false;
        if (!s->fault && batch.number != s->number + 1)
            s->fault = JOURNAL_MALFORMED;
        if (s->fault)
            return true;
        if (!take_batch(s, bytes, take))
            return false;
        s->has_index = batch.flags & JOURNAL_BATCH_INDEX;
        if (s->has_index)
            return true;
        s->last = s->at == s->first ? 0 : s->at;
        s->at = journal_batch_end(&batch, s->at);
        s->number = batch.number;
    }
    return true;
}

/* The newest segment. */

static bool apply_range(struct catalog *c, struct catalog_channel *channel,
                        const struct journal_range *said)
{
    return !channel || catalog_ack(c, channel, said->first,
                                   said->first + said->count, true);
}

static bool apply_channel(struct catalog *c, const struct journal_channel *said)
{
    struct catalog_channel *channel = catalog_find(c, said->id);
    const uint8_t *done = said->done;
    if (!channel)
        channel = catalog_open(c, said->id, said->name, said->name_bytes,
                               said->floor);
    if (!channel)
        return false;
    if (channel->next < said->next)
        channel->next = said->next;
    catalog_trim(c, channel, said->floor);
    for (uint32_t i = 0; i < said->ranges; i++) {
        union journal_entry e;
        done = journal_get(JOURNAL_ACKS, &e, done);
        if (!apply_range(c, channel, &e.range))
            return false;
    }
    return true;
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

static bool apply_entry(const struct scan *s, enum journal_type type,
                        struct catalog_channel *channel,
                        const union journal_entry *e)
{
    struct catalog *c = &s->o->e->catalog;
    switch (type) {
    case JOURNAL_ACKS:
        return apply_range(c, channel, &e->range);
    case JOURNAL_CHANNEL:
        return apply_channel(c, &e->channel);
    case JOURNAL_SEGMENTS:
        return apply_segment(s->o, &e->segment);
    case JOURNAL_FREE:
        return apply_freed(s->o, e->freed, s->number + 1);
    case JOURNAL_NUMBERS:
        apply_numbers(c, &e->numbers);
        return true;
    default:
        return true;
    }
}

/* All but where messages are. */
static bool apply_record(const struct scan *s,
                         const struct journal_record *record,
                         const uint8_t *payload, uint64_t at)
{
    struct catalog *c = &s->o->e->catalog;
    struct catalog_channel *channel = catalog_find(c, record->channel);
    uint64_t end = record->first + record->count;
    bool ok = true;
    (void)at;
    switch ((enum journal_type)record->type) {
    case JOURNAL_MESSAGES:
        if (channel && channel->next < end)
            channel->next = end;
        break;
    case JOURNAL_DROP:
        if (channel)
            catalog_drop(c, channel);
        break;
    case JOURNAL_TRIM:
        if (channel)
            catalog_trim(c, channel, record->first);
        break;
    case JOURNAL_ACKS:
    case JOURNAL_CHANNEL:
    case JOURNAL_SEGMENTS:
    case JOURNAL_FREE:
    case JOURNAL_NUMBERS:
        for (uint32_t i = 0; ok && i < record->count; i++) {
            union journal_entry e;
            payload = journal_get(record->type, &e, payload);
            ok = apply_entry(s, record->type, channel, &e);
        }
        break;
    default:
        break;
    }
    return ok;
}

/* Whether what stopped the reading of the newest segment is its end, or the
 * batch that was being written when the store was: damage otherwise. */
static bool is_the_end(const struct scan *s)
{
    struct opening *o = s->o;
    struct journal_reader reader = window_reader(&o->e->window, s->place);
    struct journal_batch torn;
    uint64_t index;
    if (s->has_index)
        return true;
    if (journal_read_seal(&reader, segment_of(s)->id, segment_of(s)->bytes,
                          &index)) {
        o->is_closed = true;
        return index <= s->at || fault(s, s->at, s->fault);
    }
    uint64_t found = journal_find_batch(&reader, s->at, &torn);
    if (found == s->at) {
        o->report->torn_bytes = torn.bytes;
        found = journal_find_batch(&reader, s->at + JOURNAL_ALIGNMENT, &torn);
    }
    return found == reader.limit || fault(s, s->at, s->fault);
}

bool contents_newest(struct opening *o)
{
    struct scan s;
    struct journal_batch state;
    const uint8_t *bytes;
    if (!scan_begin(&s, o, o->newest))
        return false;
    struct journal_reader reader = window_reader(&o->e->window, o->newest);
    enum journal_fault is_wrong =
        journal_read_batch(&reader, s.at, &state, &bytes);
    if (is_wrong || !(state.flags & JOURNAL_BATCH_STATE))
        return fault(&s, s.at, is_wrong);
    if (!scan_run(&s, UINT64_MAX, apply_record))
        return false;
    if (s.number < state.number)
        return fault(&s, s.at, s.fault);
    if (!is_the_end(&s))
        return false;
    o->is_closed = o->is_closed || s.has_index;
    o->again = s.last;
    segment_of(&s)->is_freed = false;
    segment_of(&s)->end = s.at;
    segment_of(&s)->last_batch = s.number;
    return true;
}

/* Where messages are. */

static bool load_place(const struct scan *s,
                       const struct journal_index_entry *entry)
{
    struct catalog_channel *channel =
        catalog_find(&s->o->e->catalog, entry->channel);
    return !channel || catalog_load(channel, catalog_place(entry, s->place));
}

static bool load_record(const struct scan *s,
                        const struct journal_record *record,
                        const uint8_t *payload, uint64_t at)
{
    const struct journal_index_entry entry = {
        .first = record->first,
        .channel = record->channel,
        .count = record->count,
        .at = (uint32_t)(at / JOURNAL_ALIGNMENT),
        .bytes = record->bytes};
    (void)payload;
    return record->type != JOURNAL_MESSAGES || load_place(s, &entry);
}

/* The INDEX of a segment, sound; NULL: it has none. */
static const uint8_t *index_find(const struct scan *s,
                                 struct journal_record *record)
{
    struct journal_reader reader = window_reader(&s->o->e->window, s->place);
    struct journal_batch batch;
    const uint8_t *bytes, *payload;
    uint64_t at;
    if (!journal_read_seal(&reader, segment_of(s)->id, segment_of(s)->bytes,
                           &at) ||
        at != segment_of(s)->end ||
        journal_read_batch(&reader, at, &batch, &bytes) ||
        batch.number != segment_of(s)->last_batch + 1)
        return NULL;
    struct journal_walk walk = journal_walk(bytes);
    if (!journal_walk_next(&walk, record, &payload) ||
        record->type != JOURNAL_INDEX || journal_check(record, payload))
        return NULL;
    return payload;
}

/* Reads a segment as far as the newest one says. */
static bool load_segment(struct opening *o, uint32_t place)
{
    struct scan s;
    struct journal_record record;
    union journal_entry e;
    o->e->window.chunk = WINDOW_FEW_BYTES;
    if (!scan_begin(&s, o, place))
        return false;
    const uint8_t *index = index_find(&s, &record);
    for (uint32_t i = 0; index && i < record.count; i++) {
        index = journal_get(JOURNAL_INDEX, &e, index);
        if (!load_place(&s, &e.index))
            return false;
    }
    if (index)
        return true;
    if (!scan_run(&s, segment_of(&s)->last_batch, load_record))
        return false;
    if (s.number != segment_of(&s)->last_batch)
        return fault(&s, s.at, s.fault);
    return s.at == segment_of(&s)->end || damage(&s, s.at, "it ends elsewhere");
}

/* From old to new, so that numbers mostly rise. */
bool contents_messages(struct opening *o)
{
    const struct shelf *shelf = &o->e->shelf;
    for (uint32_t i = 0; i < shelf->count; i++)
        if (i != o->newest && !shelf->segments[i].is_freed &&
            !load_segment(o, i))
            return false;
    if (!load_segment(o, o->newest))
        return false;
    catalog_settle(&o->e->catalog);
    return true;
}
