/* SPDX-License-Identifier: MIT */
#include "broker/store/writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "broker/store/fault.h"
#include "common/vector.h"

enum {
    BATCH_FRAME = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER,
    /* The last batch of a segment, without an index, and the seal. */
    CLOSING = BATCH_FRAME + JOURNAL_RECORD_HEADER + JOURNAL_NUMBERS_ENTRY +
              JOURNAL_SEAL,
    INDEX_SHARE = 16,        /* of a segment, at most */
    STATE_RECORD = 64 << 10, /* bytes of a record of channels, about */
    MARGIN = 64 << 10,       /* of a segment, but at most */
    MARGIN_SHARE = 16,       /* such a part of it */
};

bool space_error(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ||
           error == EMFILE || error == ENFILE;
}

static struct segment *newest_of(const struct engine *e)
{
    return &e->shelf.segments[e->newest];
}

/* Entries that an INDEX would have; 0 when there would be too many. */
static uint32_t index_entries(const struct engine *e)
{
    uint64_t bytes = (uint64_t)e->index_count * JOURNAL_INDEX_ENTRY;
    bool is_possible = bytes <= newest_of(e)->bytes / INDEX_SHARE;
    return is_possible ? (uint32_t)e->index_count : 0;
}

/* Where the last batch of the newest segment may begin, at the latest. */
static uint64_t writer_limit(const struct engine *e)
{
    return newest_of(e)->bytes - CLOSING -
           (uint64_t)index_entries(e) * JOURNAL_INDEX_ENTRY;
}

/* How much of a segment only acknowledgements may use. */
static uint64_t margin(const struct engine *e)
{
    uint64_t share = e->shelf.segment_bytes / MARGIN_SHARE;
    return share < MARGIN ? share : MARGIN;
}

uint64_t writer_room(const struct engine *e, bool has_messages)
{
    uint64_t limit = e->is_sealed ? 0 : writer_limit(e);
    uint64_t taken = newest_of(e)->end + (has_messages ? margin(e) : 0);
    return limit > taken ? limit - taken : 0;
}

void writer_free(struct engine *e, uint32_t segment)
{
    if (e->moving.victim == segment)
        e->moving.victim = SEGMENT_NONE;
    shelf_free(&e->shelf, segment);
}

void writer_record_end(struct engine *e)
{
    const struct journal_record *record = &e->batch.record;
    struct catalog_channel *channel =
        catalog_find(&e->catalog, record->channel);
    batch_record_end(&e->batch);
    struct journal_index_entry *more =
        vector_grow(e->index, &e->index_room, e->index_count, sizeof *more);
    e->index = more ? more : e->index;
    if (!more || (channel && !catalog_reserve(channel))) {
        e->batch.is_short = true;
        return;
    }
    e->index[e->index_count++] = (struct journal_index_entry){
        .at = (uint32_t)(e->batch.record_begin / JOURNAL_ALIGNMENT),
        .first = record->first,
        .channel = record->channel,
        .count = record->count,
        .bytes = record->bytes,
        .form = record->form,
        .flags = record->flags,
        .checksum = record->checksum,
    };
}

void writer_discard(struct engine *e)
{
    while (e->index_count > e->index_known) {
        uint32_t id = e->index[--e->index_count].channel;
        struct catalog_channel *channel = catalog_find(&e->catalog, id);
        if (channel)
            catalog_release(channel);
    }
}

void writer_apply(struct engine *e)
{
    for (; e->index_known < e->index_count; e->index_known++) {
        const struct journal_index_entry *entry = &e->index[e->index_known];
        struct catalog_channel *channel =
            catalog_find(&e->catalog, entry->channel);
        bool is_moved = entry->flags & JOURNAL_RECORD_MOVED;
        e->stats.moved_bytes += is_moved ? entry->bytes : 0;
        if (channel)
            (is_moved ? catalog_move : catalog_add)(
                &e->catalog, channel, catalog_place(entry, e->newest));
    }
}

static int pieces_write(struct engine *e, int file)
{
    const struct disk *disk = &e->shelf.disk;
    e->stats.written_bytes += e->batch.length;
    return disk->ops->write(disk->folder, file, e->batch.offset,
                            batch_pieces(&e->batch), e->batch.count);
}

/* After a failed flush nobody knows what is on disk, and another one may
 * succeed without having written it: it is final, whatever its errno. */
static int flush(struct engine *e, int file)
{
    const struct disk *disk = &e->shelf.disk;
    e->stats.flushes++;
    int error = disk->ops->flush(disk->folder, file);
    if (error && STORE_FAULT(RETRY_FLUSH))
        error = disk->ops->flush(disk->folder, file);
    return error ? EIO : 0;
}

void writer_begin(struct engine *e, uint32_t flags)
{
    const struct segment *newest = newest_of(e);
    batch_start(&e->batch, newest->seed, newest->end);
    batch_begin(&e->batch, (struct journal_batch){.number = e->next_batch,
                                                  .at_ms = e->wall_ms,
                                                  .flags = flags});
}

int writer_commit(struct engine *e, bool fills_page)
{
    struct segment *newest = newest_of(e);
    uint64_t end = batch_end(&e->batch, fills_page ? writer_limit(e) : 0);
    if (end == 0)
        return ENOMEM;
    assert(end <= newest->bytes - JOURNAL_SEAL);
    int error = pieces_write(e, newest->file);
    if (!error && !STORE_FAULT(NO_DATA_FLUSH))
        error = flush(e, newest->file);
    if (error)
        return error;
    e->stats.batches++;
    newest->last_batch = e->next_batch++;
    newest->end = newest->readable = end;
    return 0;
}

static void add_numbers(struct engine *e)
{
    const union journal_entry entry = {
        .numbers = {.above = e->catalog.above,
                    .next_channel = e->catalog.next_channel}};
    batch_record(&e->batch, (struct journal_record){.type = JOURNAL_NUMBERS});
    batch_entry(&e->batch, JOURNAL_NUMBERS, &entry);
    batch_record_end(&e->batch);
}

/* The last batch says where the segment ends, even without an INDEX: a seal
 * alone could not tell a damaged batch from the end. */
int writer_seal(struct engine *e)
{
    const struct segment *newest = newest_of(e);
    uint32_t entries = index_entries(e);
    uint8_t seal[JOURNAL_SEAL];
    writer_begin(e, JOURNAL_BATCH_INDEX);
    if (entries > 0) {
        batch_record(&e->batch, (struct journal_record){.type = JOURNAL_INDEX});
        for (uint32_t i = 0; i < entries; i++) {
            const union journal_entry entry = {.index = e->index[i]};
            batch_entry(&e->batch, JOURNAL_INDEX, &entry);
        }
        batch_record_end(&e->batch);
    } else {
        add_numbers(e);
    }
    int error =
        batch_end(&e->batch, 0) > 0 ? pieces_write(e, newest->file) : ENOMEM;
    if (error)
        return error;
    journal_put_seal(seal, newest->seed, newest->id, newest->end);
    batch_start(&e->batch, newest->seed, newest->bytes - JOURNAL_SEAL);
    batch_raw(&e->batch, seal, sizeof seal);
    error = pieces_write(e, newest->file);
    if (!error)
        error = flush(e, newest->file);
    if (error)
        return error;
    e->next_batch++;
    e->is_sealed = true;
    return 0;
}

/* STATE. */

/* Segments without anything that is wanted are left out, which frees them. */
static bool is_listed(const struct segment *segment)
{
    return segment->id != 0 && (segment->live > 0 || segment->is_damaged);
}

/* The listed segment with the lowest id above that; NULL behind the last. */
static const struct segment *segment_after(const struct engine *e, uint64_t id)
{
    const struct segment *next = NULL;
    for (uint32_t i = 0; i < e->shelf.count; i++) {
        const struct segment *one = &e->shelf.segments[i];
        if (is_listed(one) && one->id > id && (!next || one->id < next->id))
            next = one;
    }
    return next;
}

static void add_segments(struct engine *e)
{
    const struct segment *one = segment_after(e, 0);
    batch_record(&e->batch, (struct journal_record){.type = JOURNAL_SEGMENTS});
    for (; one; one = segment_after(e, one->id)) {
        const union journal_entry entry = {
            .segment = {one->id, one->last_batch, one->end}};
        batch_entry(&e->batch, JOURNAL_SEGMENTS, &entry);
    }
    batch_record_end(&e->batch);
}

void writer_add_ranges(struct batch *b, const struct ranges *ranges)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct range *r = &ranges->rows[i];
        const union journal_entry entry = {
            .range = {.first = r->first,
                      .count = (uint32_t)(r->end - r->first)}};
        batch_entry(b, JOURNAL_ACKS, &entry);
    }
}

void writer_add_channel(struct batch *b, const struct catalog_channel *channel)
{
    static const struct ranges none;
    const struct ranges *done =
        STORE_FAULT(FORGET_ACKS) ? &none : &channel->done;
    const union journal_entry entry = {.channel = {
                                           .next = channel->next,
                                           .floor = channel->floor,
                                           .id = channel->id,
                                           .ranges = done->count,
                                           .kind = JOURNAL_QUEUE,
                                           .name_bytes = channel->name_length,
                                           .name = channel->name,
                                       }};
    batch_entry(b, JOURNAL_CHANNEL, &entry);
    writer_add_ranges(b, done);
}

static void add_channels(struct engine *e)
{
    bool is_open = false;
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following) {
        if (!is_open)
            batch_record(&e->batch,
                         (struct journal_record){.type = JOURNAL_CHANNEL});
        writer_add_channel(&e->batch, one);
        is_open = one->following && e->batch.payload < STATE_RECORD;
        if (!is_open)
            batch_record_end(&e->batch);
    }
}

/* What a STATE takes, at most, with the header of its segment. */
static uint64_t state_bytes(const struct engine *e)
{
    uint64_t bytes = JOURNAL_SEGMENT_HEADER + JOURNAL_BATCH_HEADER +
                     JOURNAL_BATCH_TRAILER + 3 * JOURNAL_RECORD_HEADER +
                     JOURNAL_NUMBERS_ENTRY + e->catalog.names_bytes +
                     (uint64_t)e->shelf.count * JOURNAL_SEGMENT_ENTRY;
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following)
        bytes += (uint64_t)one->done.count * JOURNAL_RANGE;
    return bytes + bytes / STATE_RECORD * JOURNAL_RECORD_HEADER;
}

/* The size of a new segment with so much for messages. Those that must leave
 * spares leave the margin, too. */
static uint64_t segment_bytes(const struct engine *e, uint64_t bytes, int keep)
{
    uint64_t need = state_bytes(e) + CLOSING;
    if (bytes > 0)
        need += bytes + BATCH_FRAME;
    if (keep > 0)
        need += margin(e);
    if (need <= e->shelf.segment_bytes)
        return e->shelf.segment_bytes;
    return (need + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
}

uint64_t writer_next_room(const struct engine *e)
{
    uint64_t taken = state_bytes(e) + CLOSING + margin(e);
    return taken < e->shelf.segment_bytes ? e->shelf.segment_bytes - taken : 0;
}

static uint32_t salt_new(struct engine *e)
{
    uint64_t x = e->chance += 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)((x ^ x >> 27) >> 16);
}

/* Puts the segment's header and STATE together. Returns the offset behind it,
 * 0 without memory. */
static uint64_t state_build(struct engine *e, struct segment *segment)
{
    uint8_t header[JOURNAL_SEGMENT_HEADER];
    struct journal_segment head = {.id = segment->id,
                                   .first_batch = e->next_batch,
                                   .file_bytes = segment->bytes,
                                   .salt = salt_new(e)};
    memcpy(head.uuid, e->uuid, sizeof head.uuid);
    journal_put_segment(header, &head);
    segment->seed = STORE_FAULT(NO_SEED) ? 0 : journal_seed(&head);
    segment->last_batch = e->next_batch;
    batch_start(&e->batch, segment->seed, 0);
    batch_raw(&e->batch, header, sizeof header);
    batch_begin(&e->batch,
                (struct journal_batch){.number = e->next_batch,
                                       .at_ms = e->wall_ms,
                                       .flags = JOURNAL_BATCH_STATE});
    add_numbers(e);
    add_segments(e);
    add_channels(e);
    return batch_end(&e->batch, segment->bytes - CLOSING);
}

/* Adds a batch of records that come from elsewhere. */
static uint64_t more_build(struct engine *e, struct segment *segment,
                           void (*more)(struct engine *e))
{
    batch_begin(&e->batch,
                (struct journal_batch){.number = ++segment->last_batch,
                                       .at_ms = e->wall_ms});
    more(e);
    return batch_end(&e->batch, segment->bytes - CLOSING);
}

/* A file that is called <id>.seg has a header and a STATE, whatever is cut off
 * when: before they are on disk it is called a spare. */
static int segment_write(struct engine *e, const struct segment *segment)
{
    const struct disk *disk = &e->shelf.disk;
    char from[JOURNAL_FILE_NAME], to[JOURNAL_FILE_NAME];
    bool is_late = STORE_FAULT(RENAME_BEFORE_FLUSH);
    journal_name_spare(from, (unsigned)e->shelf.spares);
    journal_name_segment(to, segment->id);
    int error = pieces_write(e, segment->file);
    if (!error && !is_late)
        error = flush(e, segment->file);
    if (error)
        return error;
    if (disk->ops->rename(disk->folder, from, to) ||
        (is_late && flush(e, segment->file)))
        return EIO;
    if (STORE_FAULT(NO_FOLDER_FLUSH))
        return 0;
    e->stats.flushes++;
    return disk->ops->flush_folder(disk->folder) ? EIO : 0;
}

/* What the segment that is on disk now brings with it. */
static void segment_begun(struct engine *e, uint32_t at)
{
    struct segment *segments = e->shelf.segments;
    if (e->newest != SEGMENT_NONE)
        shelf_close(&e->shelf, e->newest);
    e->newest = at;
    segments[at].readable = segments[at].end;
    e->is_sealed = false;
    e->next_id++;
    e->next_batch = segments[at].last_batch + 1;
    catalog_clean(&e->catalog);
    /* The STATE left these out; what comes with it frees no more yet. */
    for (uint32_t i = 0; i < e->shelf.count; i++)
        if (segments[i].id != 0 && i != at && !is_listed(&segments[i]))
            writer_free(e, i);
}

int writer_roll(struct engine *e, uint64_t bytes, int keep,
                void (*more)(struct engine *e))
{
    uint64_t size = segment_bytes(e, bytes, keep);
    int file;
    uint32_t at = shelf_place(&e->shelf);
    if (at == SEGMENT_NONE)
        return ENOMEM;
    int error = shelf_take(&e->shelf, size, keep, &file);
    if (error)
        return error;
    if (e->newest != SEGMENT_NONE && !e->is_sealed)
        error = writer_seal(e);
    struct segment *segment = &e->shelf.segments[at];
    *segment = (struct segment){.id = e->next_id, .bytes = size, .file = file};
    if (!error) {
        e->index_count = e->index_known = 0;
        segment->end = state_build(e, segment);
        if (segment->end > 0 && more)
            segment->end = more_build(e, segment, more);
        error = segment->end > 0 ? segment_write(e, segment) : ENOMEM;
    }
    if (error) {
        *segment = (struct segment){.file = -1};
        shelf_put_back(&e->shelf, size, file);
        return error;
    }
    segment_begun(e, at);
    return 0;
}
