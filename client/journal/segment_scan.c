/* SPDX-License-Identifier: MIT */
#include "client/journal/segment_scan.h"

#include <string.h>

#include "proto/journal_reader.h"
#include "proto/little.h"

/* A seal that differs from the right one in so few bytes is damaged; in more,
 * it is of an earlier life of the file. */
enum { SEAL_NEAR = 3 };

/* Of a batch's header. */
#define BATCH_MAGIC "JBAT"
enum { BATCH_NUMBER_AT = 16 };

/* A scan while it runs. */
struct scanner {
    struct segment_scan *scan;
    struct journal_reader reader; /* limit: where batches end at the latest */
    uint64_t at;                  /* where the next batch begins */
    uint64_t expected;            /* number of the next batch */
    uint64_t index;               /* where the INDEX was read; 0: not yet */
};

/* The batch at an offset, if it and what its records hold are sound. */
static enum journal_fault read_batch(const struct journal_reader *r,
                                     uint64_t at, struct journal_batch *batch)
{
    const uint8_t *bytes, *payload;
    struct journal_record record;
    enum journal_fault fault = journal_read_batch(r, at, batch, &bytes);
    struct journal_walk walk = {NULL, 0};
    if (!fault)
        walk = journal_walk(bytes);
    while (!fault && journal_walk_next(&walk, &record, &payload))
        fault = journal_check(&record, payload);
    return fault;
}

static const uint8_t *memory_get(void *source, uint64_t offset, uint64_t length)
{
    const uint8_t *bytes = source;
    (void)length; /* the limit is that of the bytes */
    return bytes + offset;
}

static struct journal_reader
memory_reader(const struct journal_segment *segment, const uint8_t *bytes,
              uint64_t length)
{
    return (struct journal_reader){.get = memory_get,
                                   .source = (void *)(uintptr_t)bytes,
                                   .limit = length,
                                   .seed = journal_seed(segment)};
}

bool segment_scan_has_state(const struct journal_segment *segment,
                            const uint8_t *bytes, uint64_t length)
{
    struct journal_reader reader = memory_reader(segment, bytes, length);
    struct journal_batch batch;
    return !read_batch(&reader, segment->header_bytes, &batch) &&
           batch.flags & JOURNAL_BATCH_STATE &&
           batch.number == segment->first_batch;
}

static bool give_records(struct scanner *s, const struct journal_batch *batch)
{
    const struct segment_scan *scan = s->scan;
    struct journal_walk walk = journal_walk(scan->bytes + s->at);
    struct journal_record record;
    const uint8_t *payload;
    while (journal_walk_next(&walk, &record, &payload))
        if (!scan->ops->on_record(scan->arg, batch, true, &record, payload,
                                  (uint64_t)(payload - scan->bytes)))
            return false;
    return true;
}

static bool give_damage(const struct scanner *s, uint64_t from, uint64_t to,
                        uint64_t batch, uint64_t end, enum journal_fault fault,
                        const char *what)
{
    struct segment_scan_damage damage = {from, to, batch, end, fault, what};
    return s->scan->ops->on_damage(s->scan->arg, &damage);
}

/* Gives away the sound records of damaged batches. */
static bool salvage(struct scanner *s, uint64_t from, uint64_t to)
{
    struct segment_scan *scan = s->scan;
    struct journal_batch batch = {.number = s->expected};
    struct journal_reader part = s->reader;
    part.limit = to;
    while (to - from >= JOURNAL_RECORD_HEADER) {
        struct journal_record record;
        const uint8_t *payload;
        if (journal_read_record(&part, from, &record, NULL)) {
            from += JOURNAL_ALIGNMENT;
            continue;
        }
        bool is_whole = !journal_read_record(&part, from, &record, &payload);
        from += JOURNAL_RECORD_HEADER;
        if (!is_whole) {
            if (scan->ops->on_broken)
                scan->ops->on_broken(scan->arg, &record);
            continue;
        }
        if (!scan->ops->on_record(scan->arg, &batch, false, &record, payload,
                                  from))
            return false;
        from += journal_padded(record.bytes);
    }
    return true;
}

/* The next batch behind `s->at` that belongs behind what was read; the limit
 * when there is none. Whether it is sound is seen later. */
static uint64_t find_batch(const struct scanner *s, struct journal_batch *batch)
{
    uint64_t at = s->at;
    do
        at = journal_find_batch(&s->reader, at + JOURNAL_ALIGNMENT, batch);
    while (at < s->reader.limit && batch->number < s->expected);
    return at;
}

/* Whether the header of the next batch was written at `s->at`, whatever has
 * become of it. What is left of an earlier life of the file has another
 * number. */
static bool is_begun(const struct scanner *s)
{
    uint8_t head[JOURNAL_BATCH_HEADER];
    struct journal_batch batch;
    if (s->reader.limit - s->at < sizeof head)
        return false;
    memcpy(head, s->scan->bytes + s->at, sizeof head);
    bool is_next = little_get_64(head + BATCH_NUMBER_AT) == s->expected;
    if (is_next && memcmp(head, BATCH_MAGIC, strlen(BATCH_MAGIC)) == 0)
        return true;
    memcpy(head, BATCH_MAGIC, strlen(BATCH_MAGIC));
    little_put_64(head + BATCH_NUMBER_AT, s->expected);
    return journal_get_batch(&batch, s->reader.seed, head, sizeof head) ==
           JOURNAL_SOUND;
}

/* Batches are known to go on: because of a later segment, or the seal. */
static bool must_go_on(const struct scanner *s)
{
    const struct segment_scan *scan = s->scan;
    if (scan->last_batch > 0)
        return s->expected <= scan->last_batch &&
               !(s->at == scan->index && s->expected == scan->last_batch);
    return scan->is_sealed &&
           (scan->index > 0 ? s->at < s->reader.limit : is_begun(s));
}

/* What is at `s->at` is not the batch that belongs there. Moves to the next
 * one; to the limit when it was the end. */
static bool pass_fault(struct scanner *s, enum journal_fault fault)
{
    struct segment_scan *scan = s->scan;
    struct journal_batch next;
    uint64_t to = find_batch(s, &next), from = s->at;
    uint64_t end = to < s->reader.limit ? next.number : s->expected + 1;
    s->at = to;
    if (to == s->reader.limit && scan->last_batch >= s->expected)
        end = scan->last_batch + 1;
    if (!give_damage(s, from, to, s->expected, end, fault, "batches") ||
        !salvage(s, from, to))
        return false;
    s->expected = end;
    return true;
}

/* A batch was begun here and not completed, perhaps: not when nothing was
 * written. */
static void note_torn(struct scanner *s)
{
    struct journal_batch batch;
    uint64_t left = s->reader.limit - s->at;
    if (!journal_get_batch(&batch, s->reader.seed, s->scan->bytes + s->at,
                           (size_t)left) &&
        batch.number >= s->expected)
        s->scan->torn_bytes = batch.bytes < left ? batch.bytes : left;
}

/* Zeros to the page belong to the batch. Those of the last batch may not have
 * been written. */
static bool check_page(struct scanner *s, const struct journal_batch *batch)
{
    uint64_t from = s->at + batch->bytes;
    uint64_t to = journal_batch_end(batch, s->at);
    struct journal_batch next;
    if (to > s->reader.limit)
        to = s->reader.limit;
    if (journal_is_zero(s->scan->bytes + from, (size_t)(to - from)))
        return true;
    bool is_last =
        !s->scan->is_sealed && s->scan->last_batch == 0 &&
        (s->reader.limit - to < JOURNAL_BATCH_HEADER ||
         journal_get_batch(&next, s->reader.seed, s->scan->bytes + to,
                           (size_t)(s->reader.limit - to)) != JOURNAL_SOUND);
    return is_last || give_damage(s, from, to, 0, 0, JOURNAL_MALFORMED,
                                  "zeros behind a batch");
}

/* The last batch is at `s->at`. */
static void note_index(struct scanner *s)
{
    struct journal_walk walk = journal_walk(s->scan->bytes + s->at);
    struct journal_record record;
    const uint8_t *payload;
    s->index = s->at;
    s->scan->has_index = journal_walk_next(&walk, &record, &payload) &&
                         record.type == JOURNAL_INDEX;
}

static bool take_batch(struct scanner *s, const struct journal_batch *batch)
{
    struct segment_scan *scan = s->scan;
    if (!check_page(s, batch) || !give_records(s, batch))
        return false;
    if (batch->flags & JOURNAL_BATCH_STATE &&
        s->at == scan->segment->header_bytes)
        scan->has_state = true;
    bool is_index = batch->flags & JOURNAL_BATCH_INDEX;
    if (is_index)
        note_index(s);
    s->at = journal_batch_end(batch, s->at);
    if (s->at > s->reader.limit)
        s->at = s->reader.limit;
    s->expected = batch->number + 1;
    if (is_index)
        return true;
    scan->batches++;
    scan->last_seen = batch->number;
    scan->end = s->at;
    return true;
}

/* The batch at `s->at`, if it is sound and the next one. */
static enum journal_fault look(const struct scanner *s,
                               struct journal_batch *batch)
{
    enum journal_fault fault = read_batch(&s->reader, s->at, batch);
    if (fault == JOURNAL_SOUND && batch->number != s->expected)
        return JOURNAL_MALFORMED;
    return fault;
}

/* Whether there is something behind `s->at` that must be read, though what is
 * there is at fault. */
static bool is_damage(const struct scanner *s)
{
    struct journal_batch next;
    return must_go_on(s) ||
           (s->scan->last_batch == 0 && find_batch(s, &next) < s->reader.limit);
}

/* Reads up to the last batch, or the INDEX. */
static bool scan_batches(struct scanner *s)
{
    struct segment_scan *scan = s->scan;
    while (s->at < s->reader.limit && s->index == 0 &&
           (scan->last_batch == 0 || s->expected <= scan->last_batch)) {
        struct journal_batch batch;
        enum journal_fault fault = look(s, &batch);
        if (fault != JOURNAL_SOUND && !is_damage(s)) {
            note_torn(s);
            return true;
        }
        bool ok = fault == JOURNAL_SOUND ? take_batch(s, &batch)
                                         : pass_fault(s, fault);
        if (!ok)
            return false;
    }
    return s->at < s->reader.limit || !must_go_on(s) ||
           give_damage(s, s->at, s->reader.limit, s->expected,
                       scan->last_batch + 1, JOURNAL_SHORT, "batches");
}

/* The seal names the INDEX; what lies there must be it. */
static bool scan_index(struct scanner *s, uint64_t whole)
{
    struct segment_scan *scan = s->scan;
    struct journal_batch batch;
    if (!scan->is_sealed || scan->index == 0)
        return true;
    s->at = scan->index;
    s->reader.limit = whole;
    enum journal_fault fault = read_batch(&s->reader, s->at, &batch);
    if (fault != JOURNAL_SOUND)
        return give_damage(s, s->at, s->reader.limit, 0, 0, fault, "the index");
    s->expected = batch.number;
    return take_batch(s, &batch);
}

static unsigned differences(const uint8_t *a, const uint8_t *b, size_t n)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++)
        count += a[i] != b[i];
    return count;
}

/* The INDEX, unless it was read with the batches: it is behind them. */
static uint64_t place_of_index(const struct scanner *s)
{
    struct journal_batch batch;
    bool is_there = s->index == 0 && s->at < s->reader.limit &&
                    look(s, &batch) == JOURNAL_SOUND &&
                    batch.flags & JOURNAL_BATCH_INDEX;
    return is_there ? s->at : s->index;
}

/* A seal that does not verify: not one, or one that is damaged. */
static bool check_broken_seal(const struct scanner *s, uint64_t at)
{
    const uint8_t *there = s->scan->bytes + at;
    uint8_t right[2][JOURNAL_SEAL];
    journal_put_seal(right[0], s->reader.seed, s->scan->segment->id, 0);
    journal_put_seal(right[1], s->reader.seed, s->scan->segment->id,
                     place_of_index(s));
    for (size_t i = 0; i < 2; i++)
        if (differences(there, right[i], JOURNAL_SEAL) <= SEAL_NEAR)
            return give_damage(s, at, s->scan->length, 0, 0, JOURNAL_CHECKSUM,
                               "the seal");
    return true;
}

bool segment_scan(struct segment_scan *scan)
{
    const struct journal_segment *g = scan->segment;
    struct scanner s = {.scan = scan,
                        .reader = memory_reader(g, scan->bytes, scan->length),
                        .at = g->header_bytes,
                        .expected = g->first_batch};
    uint64_t whole = g->file_bytes, seal = whole - JOURNAL_SEAL;
    scan->end = s.at;
    if (whole < g->header_bytes + JOURNAL_SEAL || scan->length < whole) {
        seal = whole = scan->length;
        if (!give_damage(&s, scan->length, g->file_bytes, 0, 0, JOURNAL_SHORT,
                         "the file"))
            return false;
    } else {
        scan->is_sealed =
            journal_read_seal(&s.reader, g->id, whole, &scan->index);
    }
    s.reader.limit = scan->index > 0 && scan->index < seal ? scan->index
                     : scan->is_sealed                     ? seal
                                                           : whole;
    if (!scan_batches(&s))
        return false;
    if (!scan->is_sealed && seal < whole)
        return check_broken_seal(&s, seal);
    return scan_index(&s, seal);
}
