/* SPDX-License-Identifier: MIT */
#include "broker/store/writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "broker/store/fault.h"
#include "common/vector.h"

enum {
    /* The last batch of a segment, without an index, and the seal. */
    CLOSING = JOURNAL_BATCH_HEADER + JOURNAL_RECORD_HEADER +
              JOURNAL_NUMBERS_ENTRY + JOURNAL_BATCH_TRAILER + JOURNAL_SEAL,
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

uint64_t writer_room(const struct engine *e)
{
    uint64_t limit = e->is_sealed ? 0 : writer_limit(e);
    uint64_t end = newest_of(e)->end;
    return limit > end ? limit - end : 0;
}

uint64_t writer_margin(const struct engine *e)
{
    uint64_t share = e->shelf.segment_bytes / MARGIN_SHARE;
    return share < MARGIN ? share : MARGIN;
}

void writer_free(struct engine *e, uint32_t segment)
{
    if (e->moving.victim == segment)
        e->moving.victim = SEGMENT_NONE;
    shelf_free(&e->shelf, segment);
}

void writer_record_end(struct engine *e, struct journal_record *record)
{
    uint64_t at = batch_record_end(&e->batch, record) / JOURNAL_ALIGNMENT;
    const union journal_entry entry = {.index = {
                                           .at = (uint32_t)at,
                                           .first = record->first,
                                           .channel = record->channel,
                                           .count = record->count,
                                           .bytes = record->bytes,
                                           .form = record->form,
                                           .flags = record->flags,
                                           .checksum = record->checksum,
                                       }};
    uint8_t *more = vector_grow(e->index, &e->index_room, e->index_count,
                                JOURNAL_INDEX_ENTRY);
    if (!more) {
        e->batch.is_short = true;
        return;
    }
    e->index = more;
    journal_put(JOURNAL_INDEX,
                e->index + e->index_count++ * JOURNAL_INDEX_ENTRY, &entry);
}

void writer_apply(struct engine *e)
{
    for (; e->index_known < e->index_count; e->index_known++) {
        union journal_entry entry;
        journal_get(JOURNAL_INDEX, &entry,
                    e->index + e->index_known * JOURNAL_INDEX_ENTRY);
        bool is_moved = entry.index.flags & JOURNAL_RECORD_MOVED;
        struct catalog_channel *channel =
            catalog_find(&e->catalog, entry.index.channel);
        e->stats.moved_bytes += is_moved ? entry.index.bytes : 0;
        /* What is moved is wanted where it was without memory. */
        if (channel && is_moved)
            (void)catalog_move(&e->catalog, channel,
                               catalog_place(&entry.index, e->newest));
        else if (channel)
            catalog_add(&e->catalog, channel,
                        catalog_place(&entry.index, e->newest));
    }
}

static int pieces_write(struct engine *e, int file)
{
    const struct disk *disk = &e->shelf.disk;
    const struct iovec *pieces = batch_pieces(&e->batch);
    e->stats.written_bytes += e->batch.length;
    return disk->ops->write(disk->folder, file, e->batch.offset, pieces,
                            e->batch.count);
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

void writer_begin(struct engine *e)
{
    const struct segment *newest = newest_of(e);
    batch_start(&e->batch, newest->seed, newest->end);
    batch_begin(&e->batch);
}

int writer_commit(struct engine *e)
{
    struct segment *newest = newest_of(e);
    struct journal_batch batch = {.number = e->next_batch, .at_ms = e->wall_ms};
    uint64_t limit = e->is_tight ? 0 : writer_limit(e);
    uint64_t end = batch_end(&e->batch, &batch, limit);
    if (end == 0)
        return ENOMEM;
    assert(end <= newest->bytes - JOURNAL_SEAL);
    int error = pieces_write(e, newest->file);
    if (error)
        return error;
    error = STORE_FAULT(NO_DATA_FLUSH) ? 0 : flush(e, newest->file);
    if (error)
        return error;
    e->stats.batches++;
    newest->last_batch = e->next_batch++;
    newest->end = newest->readable = end;
    return 0;
}

static void add_numbers(struct engine *e)
{
    uint8_t bytes[JOURNAL_NUMBERS_ENTRY];
    struct journal_record record = {.type = JOURNAL_NUMBERS, .count = 1};
    const union journal_entry entry = {
        .numbers = {.above = e->catalog.above,
                    .next_channel = e->catalog.next_channel}};
    journal_put(JOURNAL_NUMBERS, bytes, &entry);
    batch_record(&e->batch);
    batch_add(&e->batch, bytes, sizeof bytes, false);
    (void)batch_record_end(&e->batch, &record);
}

/* The last batch says where the segment ends, even without an INDEX: a seal
 * alone could not tell a damaged batch from the end. */
int writer_seal(struct engine *e)
{
    struct segment *newest = newest_of(e);
    struct journal_batch batch = {.number = e->next_batch,
                                  .at_ms = e->wall_ms,
                                  .flags = JOURNAL_BATCH_INDEX};
    struct journal_record record = {.type = JOURNAL_INDEX,
                                    .count = index_entries(e)};
    uint8_t seal[JOURNAL_SEAL];
    writer_begin(e);
    if (record.count > 0) {
        batch_record(&e->batch);
        batch_add(&e->batch, e->index,
                  (size_t)record.count * JOURNAL_INDEX_ENTRY, true);
        (void)batch_record_end(&e->batch, &record);
    } else {
        add_numbers(e);
    }
    if (batch_end(&e->batch, &batch, 0) == 0)
        return ENOMEM;
    int error = pieces_write(e, newest->file);
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

static void add_segments(struct engine *e)
{
    struct journal_record record = {.type = JOURNAL_SEGMENTS};
    batch_record(&e->batch);
    /* They rise by id. */
    for (uint64_t below = 0;; record.count++) {
        const struct segment *next = NULL;
        for (uint32_t i = 0; i < e->shelf.count; i++) {
            const struct segment *one = &e->shelf.segments[i];
            if (is_listed(one) && one->id > below &&
                (!next || one->id < next->id))
                next = one;
        }
        if (!next)
            break;
        uint8_t bytes[JOURNAL_SEGMENT_ENTRY];
        const union journal_entry entry = {
            .segment = {next->id, next->last_batch, next->end}};
        journal_put(JOURNAL_SEGMENTS, bytes, &entry);
        batch_add(&e->batch, bytes, sizeof bytes, false);
        below = next->id;
    }
    (void)batch_record_end(&e->batch, &record);
}

void writer_add_ranges(struct batch *b, const struct ranges *ranges)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        uint8_t bytes[JOURNAL_RANGE];
        const struct range *r = &ranges->rows[i];
        const union journal_entry entry = {
            .range = {.first = r->first,
                      .count = (uint32_t)(r->end - r->first)}};
        journal_put(JOURNAL_ACKS, bytes, &entry);
        batch_add(b, bytes, sizeof bytes, false);
    }
}

void writer_add_channel(struct batch *b, const struct catalog_channel *channel)
{
    const union journal_entry entry = {.channel = {
                                           .next = channel->next,
                                           .floor = channel->floor,
                                           .id = channel->id,
                                           .ranges = channel->done.count,
                                           .kind = JOURNAL_QUEUE,
                                           .name_bytes = channel->name_length,
                                           .name = channel->name,
                                       }};
    uint8_t bytes[JOURNAL_CHANNEL_ENTRY + JOURNAL_NAME_MAX + JOURNAL_ALIGNMENT];
    uint8_t *end = journal_put(JOURNAL_CHANNEL, bytes, &entry);
    batch_add(b, bytes, (size_t)(end - bytes), false);
    writer_add_ranges(b, &channel->done);
}

static void add_channels(struct engine *e)
{
    struct journal_record record = {.type = JOURNAL_CHANNEL};
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following) {
        if (record.count == 0)
            batch_record(&e->batch);
        record.count++;
        writer_add_channel(&e->batch, one);
        if (one->following && e->batch.payload < STATE_RECORD)
            continue;
        (void)batch_record_end(&e->batch, &record);
        record.count = 0;
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

uint64_t writer_segment_bytes(const struct engine *e, uint64_t bytes)
{
    uint64_t need = state_bytes(e) + bytes + CLOSING;
    if (need <= e->shelf.segment_bytes)
        return e->shelf.segment_bytes;
    return (need + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
}

uint64_t writer_next_room(const struct engine *e)
{
    uint64_t taken = state_bytes(e) + CLOSING + writer_margin(e);
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
    struct journal_batch batch = {.number = e->next_batch,
                                  .at_ms = e->wall_ms,
                                  .flags = JOURNAL_BATCH_STATE};
    memcpy(head.uuid, e->uuid, sizeof head.uuid);
    journal_put_segment(header, &head);
    segment->seed = STORE_FAULT(NO_SEED) ? 0 : journal_seed(&head);
    segment->last_batch = batch.number;
    batch_start(&e->batch, segment->seed, 0);
    batch_raw(&e->batch, header, sizeof header);
    batch_begin(&e->batch);
    add_numbers(e);
    add_segments(e);
    add_channels(e);
    return batch_end(&e->batch, &batch, segment->bytes - CLOSING);
}

/* Adds a batch of records that come from elsewhere. */
static uint64_t again_build(struct engine *e, struct segment *segment,
                            void (*again)(struct engine *e, void *arg),
                            void *arg)
{
    struct journal_batch batch = {.number = e->next_batch + 1,
                                  .at_ms = e->wall_ms};
    segment->last_batch = batch.number;
    batch_begin(&e->batch);
    again(e, arg);
    return batch_end(&e->batch, &batch, segment->bytes - CLOSING);
}

/* A file that is called <id>.seg has a header and a STATE, whatever is cut off
 * when: before they are on disk it is called a spare. */
static int segment_write(struct engine *e, const struct segment *segment,
                         const char *spare)
{
    const struct disk *disk = &e->shelf.disk;
    char name[JOURNAL_FILE_NAME];
    bool is_late = STORE_FAULT(RENAME_BEFORE_FLUSH);
    journal_name_segment(name, segment->id);
    int error = pieces_write(e, segment->file);
    if (error)
        return error;
    if (!is_late)
        error = flush(e, segment->file);
    if (!error)
        error = disk->ops->rename(disk->folder, spare, name) ? EIO : 0;
    if (!error && is_late)
        error = flush(e, segment->file);
    if (error || STORE_FAULT(NO_FOLDER_FLUSH))
        return error;
    e->stats.flushes++;
    return disk->ops->flush_folder(disk->folder) ? EIO : 0;
}

/* What the segment that is on disk now brings with it. */
static void segment_begun(struct engine *e, uint32_t segment)
{
    /* The last one joins those that are closed when many are read. */
    if (e->newest != SEGMENT_NONE)
        e->shelf.segments[e->newest].read_at = ++e->shelf.reads;
    e->newest = segment;
    e->shelf.segments[segment].readable = e->shelf.segments[segment].end;
    e->is_sealed = false;
    e->next_id++;
    e->next_batch = e->shelf.segments[segment].last_batch + 1;
    catalog_clean(&e->catalog);
    /* The STATE left these out; what comes with it frees no more yet. */
    for (uint32_t i = 0; i < e->shelf.count; i++)
        if (e->shelf.segments[i].id != 0 && i != segment &&
            !is_listed(&e->shelf.segments[i]))
            writer_free(e, i);
}

int writer_roll(struct engine *e, uint64_t bytes,
                void (*again)(struct engine *e, void *arg), void *arg)
{
    uint64_t size = writer_segment_bytes(e, bytes);
    char name[JOURNAL_FILE_NAME];
    int spare, file;
    uint32_t at = shelf_place(&e->shelf);
    if (at == SEGMENT_NONE)
        return ENOMEM;
    int error = shelf_take(&e->shelf, size, &spare, &file);
    if (error)
        return error;
    if (e->newest != SEGMENT_NONE && !e->is_sealed)
        error = writer_seal(e);
    struct segment *segment = &e->shelf.segments[at];
    *segment = (struct segment){.id = e->next_id, .bytes = size, .file = file};
    if (!error) {
        e->index_count = e->index_known = 0;
        segment->end = state_build(e, segment);
        if (segment->end != 0 && again)
            segment->end = again_build(e, segment, again, arg);
        journal_name_spare(name, (unsigned)spare);
        error = segment->end == 0 ? ENOMEM : segment_write(e, segment, name);
    }
    if (error) {
        *segment = (struct segment){.file = -1};
        shelf_put_back(&e->shelf, spare, size, file);
        return error;
    }
    segment_begun(e, at);
    return 0;
}
