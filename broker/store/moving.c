/* SPDX-License-Identifier: MIT */
#include "broker/store/moving.h"

#include "broker/store/writer.h"
#include "proto/crc32c.h"

enum {
    BATCH_FRAME = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER,
    FREE_BATCH = BATCH_FRAME + JOURNAL_RECORD_HEADER + JOURNAL_FREE_ENTRY,
    MOVE_BYTES = 1 << 20, /* in one batch, about */
    SLACK = 4,            /* segments beyond twice what is live */
    SHARE = 16, /* of a segment, that less lives there: it is looked at again */
};

/* Bytes of a record in its file. */
static uint64_t record_bytes(uint32_t payload)
{
    return JOURNAL_RECORD_HEADER + journal_padded(payload);
}

/* Whether files take more than they should. */
static bool is_wasteful(const struct engine *e)
{
    uint64_t bytes, live;
    (void)shelf_sum(&e->shelf, &bytes, &live);
    return bytes > 2 * live + SLACK * e->shelf.segment_bytes;
}

/* What copying the segment takes, as far as it is known. */
static uint64_t segment_need(const struct segment *s)
{
    bool is_known = s->need > 0 && s->live + s->bytes / SHARE > s->need_live;
    return is_known ? s->need : s->live;
}

/* The segment that takes least, apart from two; SEGMENT_NONE: there is none
 * that can be emptied. */
static uint32_t segment_least(const struct engine *e, uint32_t but,
                              uint32_t other)
{
    uint64_t least = UINT64_MAX;
    uint32_t found = SEGMENT_NONE;
    for (uint32_t i = 0; i < e->shelf.count; i++) {
        const struct segment *one = &e->shelf.segments[i];
        if (one->id != 0 && i != but && i != other && !one->is_damaged &&
            one->live > 0 && segment_need(one) < least) {
            least = segment_need(one);
            found = i;
        }
    }
    return found;
}

static void moving_begin(struct engine *e, uint32_t victim)
{
    e->moving.victim = victim;
    e->moving.batch_end = JOURNAL_SEGMENT_HEADER;
    e->moving.records = 0;
}

void moving_choose(struct engine *e)
{
    if (e->moving.victim != SEGMENT_NONE || !is_wasteful(e))
        return;
    uint32_t least = segment_least(e, e->newest, SEGMENT_NONE);
    if (least == SEGMENT_NONE)
        return;
    const struct segment *one = &e->shelf.segments[least];
    if (segment_need(one) < one->bytes / 4 * 3)
        moving_begin(e, least);
}

void moving_give_up(struct engine *e, bool is_damaged)
{
    struct segment *victim = &e->shelf.segments[e->moving.victim];
    victim->need = UINT64_MAX;
    victim->need_live = victim->live;
    victim->is_damaged = victim->is_damaged || is_damaged;
    e->moving.victim = SEGMENT_NONE;
}

/* Bytes of the victim; NULL when they cannot be had, which ends its moving. */
static const uint8_t *moving_get(struct engine *e, uint64_t at, uint64_t length)
{
    const uint8_t *bytes = window_get(&e->window, e->moving.victim, at, length);
    if (!bytes)
        moving_give_up(e, true);
    return bytes;
}

/* Goes on to the next batch with records; false at the end. */
static bool moving_batch(struct engine *e)
{
    struct moving *m = &e->moving;
    const struct segment *victim = &e->shelf.segments[m->victim];
    struct journal_batch batch;
    if (m->batch_end >= victim->end || victim->live == 0) {
        /* What is left there will be looked for again only after more of it
         * is done. */
        moving_give_up(e, false);
        return false;
    }
    const uint8_t *bytes = moving_get(e, m->batch_end, JOURNAL_BATCH_HEADER);
    if (!bytes)
        return false;
    if (journal_get_batch(&batch, victim->seed, bytes, JOURNAL_BATCH_HEADER)) {
        moving_give_up(e, true);
        return false;
    }
    m->batch_at = m->batch_end;
    m->record_at = m->batch_at + JOURNAL_BATCH_HEADER;
    m->batch_end = journal_batch_end(&batch, m->batch_at);
    m->records = batch.records;
    return true;
}

/* Walks over the runs of a record's numbers that are wanted from there. */
struct runs {
    const struct catalog_channel *channel; /* NULL: it is gone */
    uint64_t number, stop;                 /* in the place at hand */
    uint64_t end;                          /* behind the record's numbers */
    uint32_t place, segment, at;
};

static struct runs runs_begin(const struct engine *e,
                              const struct journal_record *record,
                              uint32_t segment, uint64_t at)
{
    struct runs r = {.channel = catalog_find(&e->catalog, record->channel),
                     .end = record->first + record->count,
                     .segment = segment,
                     .at = (uint32_t)(at / JOURNAL_ALIGNMENT)};
    if (r.channel)
        r.place = catalog_search(r.channel, record->first);
    return r;
}

/* The next run; false when there is none. */
static bool runs_next(struct runs *r, uint64_t *first, uint64_t *end)
{
    while (r->channel) {
        if (r->number < r->stop) {
            *first = r->number;
            r->number = r->stop;
            if (catalog_run(r->channel, first, end, r->stop)) {
                r->number = *end;
                return true;
            }
        }
        const struct place *p = r->channel->places + r->place;
        if (r->place++ >= r->channel->end || p->first >= r->end)
            break;
        if (p->segment == r->segment && p->at == r->at) {
            r->number = p->first;
            r->stop = p->first + p->count;
        }
    }
    return false;
}

/* What is wanted of the record would take in a batch; 0 when nothing is. */
static uint64_t moving_size(const struct engine *e,
                            const struct journal_record *record,
                            const uint8_t *payload)
{
    struct runs runs =
        runs_begin(e, record, e->moving.victim, e->moving.record_at);
    const uint8_t *behind = payload + record->bytes;
    uint64_t size = 0, number = record->first, first, end;
    while (runs_next(&runs, &first, &end)) {
        uint64_t bytes = 0;
        for (; number < end; number++) {
            uint64_t n = journal_message_bytes(record->form, payload,
                                               (uint64_t)(behind - payload));
            bytes += number >= first ? n : 0;
            payload += n;
        }
        size +=
            JOURNAL_RECORD_HEADER + journal_padded(bytes) + JOURNAL_INDEX_ENTRY;
    }
    return size;
}

static void moving_skip(struct engine *e, const struct journal_record *record)
{
    e->moving.record_at += record_bytes(record->bytes);
    e->moving.records--;
}

/* Goes on to the next record that is wanted. */
static uint64_t moving_find(struct engine *e, struct journal_record *record)
{
    struct moving *m = &e->moving;
    while (m->victim != SEGMENT_NONE) {
        if (m->records == 0 && !moving_batch(e))
            return 0;
        const uint8_t *head =
            moving_get(e, m->record_at, JOURNAL_RECORD_HEADER);
        if (!head)
            return 0;
        if (journal_get_record(record, e->shelf.segments[m->victim].seed, head,
                               JOURNAL_RECORD_HEADER)) {
            moving_give_up(e, true);
            return 0;
        }
        const struct journal_record found = *record;
        const uint8_t *bytes =
            moving_get(e, m->record_at, record_bytes(found.bytes));
        if (!bytes)
            return 0;
        uint64_t size =
            found.type == JOURNAL_MESSAGES
                ? moving_size(e, record, bytes + JOURNAL_RECORD_HEADER)
                : 0;
        if (size > 0)
            return size;
        moving_skip(e, record);
    }
    return 0;
}

uint64_t moving_peek(struct engine *e)
{
    struct journal_record record;
    return moving_find(e, &record);
}

/* What copying the segment takes, with batches and a FREE. */
static uint64_t segment_measure(struct engine *e, uint32_t at)
{
    struct segment *segment = &e->shelf.segments[at];
    uint64_t bytes = 0, size;
    struct journal_record record;
    if (segment->need > 0 && segment->need_live == segment->live)
        return segment->need;
    moving_begin(e, at);
    while ((size = moving_find(e, &record)) > 0) {
        bytes += size;
        moving_skip(e, &record);
    }
    bytes += (bytes / MOVE_BYTES + 1) * BATCH_FRAME + FREE_BATCH;
    segment->need = segment->is_damaged ? UINT64_MAX : bytes;
    segment->need_live = segment->live;
    e->moving.victim = SEGMENT_NONE;
    return segment->need;
}

/* Whether the segment fits into so much; it is measured only if that is
 * possible. */
static bool segment_fits(struct engine *e, uint32_t at, uint64_t room)
{
    return at != SEGMENT_NONE && segment_need(&e->shelf.segments[at]) <= room &&
           segment_measure(e, at) <= room;
}

/* A victim is chosen only if all of it fits: one that is emptied in part would
 * have eaten up the reserve for nothing. */
int moving_squeeze(struct engine *e)
{
    uint64_t margin = writer_margin(e), room = writer_room(e);
    uint32_t a = segment_least(e, e->newest, SEGMENT_NONE);
    int error = 0;
    e->moving.victim = SEGMENT_NONE;
    room = room > margin ? room - margin : 0;
    if (!segment_fits(e, a, room)) {
        a = segment_least(e, SEGMENT_NONE, SEGMENT_NONE);
        uint32_t b = segment_least(e, a, SEGMENT_NONE);
        room = writer_next_room(e);
        if (shelf_spares(&e->shelf) < SHELF_RESERVE ||
            !segment_fits(e, a, room) ||
            !segment_fits(e, b, room - e->shelf.segments[a].need))
            return 0;
        error = writer_roll(e, 0, NULL, NULL);
    }
    if (!error)
        moving_begin(e, a);
    return error;
}

void moving_record(struct engine *e, const struct journal_record *record,
                   const uint8_t *payload, uint32_t segment, uint64_t at,
                   bool stays)
{
    struct runs runs = runs_begin(e, record, segment, at);
    const uint8_t *behind = payload + record->bytes;
    uint64_t number = record->first, first, end;
    while (runs_next(&runs, &first, &end)) {
        struct journal_record run = *record;
        const uint8_t *begin = NULL;
        for (; number < end; number++) {
            if (number == first)
                begin = payload;
            payload += journal_message_bytes(record->form, payload,
                                             (uint64_t)(behind - payload));
        }
        run.first = first;
        run.count = (uint32_t)(end - first);
        run.flags = JOURNAL_RECORD_MOVED;
        batch_record(&e->batch);
        batch_add(&e->batch, begin, (size_t)(payload - begin), stays);
        writer_record_end(e, &run);
    }
}

void moving_gather(struct engine *e, uint64_t room)
{
    struct moving *m = &e->moving;
    struct journal_record record;
    uint64_t size, moved = 0;
    bool is_large = false;
    while (moved < MOVE_BYTES && !is_large &&
           (size = moving_find(e, &record)) > 0 && moved + size <= room) {
        const struct segment *victim = &e->shelf.segments[m->victim];
        const uint8_t *bytes =
            moving_get(e, m->record_at, record_bytes(record.bytes));
        if (!bytes)
            return;
        bytes += JOURNAL_RECORD_HEADER;
        if (crc32c(victim->seed, bytes, record.bytes) != record.checksum ||
            journal_check(&record, bytes)) {
            e->stats.damaged_messages += record.count;
            e->shelf.segments[m->victim].is_damaged = true;
        } else {
            /* The window moves on unless it is the last one. */
            is_large = record.bytes > MOVE_BYTES;
            moving_record(e, &record, bytes, m->victim, m->record_at, is_large);
            moved += size;
        }
        moving_skip(e, &record);
    }
}
