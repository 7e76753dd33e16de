/* SPDX-License-Identifier: MIT */
#include "broker/store/step.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/store/fault.h"
#include "broker/store/moving.h"
#include "broker/store/room.h"
#include "broker/store/writer.h"
#include "proto/frame.h"

enum {
    RECORD_BYTES = 256 << 10, /* messages of one record, about */
    BATCH_PUTS = 4096,
    BATCH_BYTES = JOURNAL_BATCH_MAX / 8 * 7, /* of puts, unless one is more */
};

/* What a batch brings: words are everything but messages. */
enum { WORDS = 1, PUTS = 2, MOVES = 4 };

/* What a put takes in a batch, at most. */
static uint64_t put_bytes(const struct slice *s)
{
    const uint8_t *text;
    uint64_t length = s->length;
    if (s->has_text)
        length += FRAME_HEAD_BYTES + slice_text(s, &text);
    return JOURNAL_RECORD_HEADER + journal_padded(length);
}

static bool has_puts(const struct engine *e)
{
    return e->state == STORE_OPEN && e->taken != e->written;
}

/* The next segment that nothing needs, from `from` on. */
static uint32_t dead_segment(const struct engine *e, uint32_t from)
{
    for (uint32_t i = from; i < e->shelf.count; i++) {
        const struct segment *one = &e->shelf.segments[i];
        if (one->id != 0 && i != e->newest && one->live == 0 &&
            !one->is_damaged)
            return i;
    }
    return SEGMENT_NONE;
}

static bool has_words(const struct engine *e)
{
    return e->catalog.dirty || dead_segment(e, 0) != SEGMENT_NONE;
}

enum engine_need step_need(const struct engine *e)
{
    if (e->state == STORE_FAILED)
        return ENGINE_NOTHING;
    bool is_moving = e->moving.victim != SEGMENT_NONE;
    if (has_puts(e) || (is_moving && has_words(e)))
        return ENGINE_NOW;
    if (has_words(e))
        return ENGINE_LATER;
    return is_moving ? ENGINE_TIDY : ENGINE_NOTHING;
}

static void add_channel(struct batch *b, const struct catalog_channel *channel)
{
    if (channel->is_dropped) {
        batch_record(b, (struct journal_record){.type = JOURNAL_DROP,
                                                .channel = channel->id});
        batch_record_end(b);
        return;
    }
    if (channel->is_new) {
        batch_record(b, (struct journal_record){.type = JOURNAL_CHANNEL});
        writer_add_channel(b, channel);
        batch_record_end(b);
    }
    if (channel->unwritten.count > 0) {
        batch_record(b, (struct journal_record){.type = JOURNAL_ACKS,
                                                .channel = channel->id});
        writer_add_ranges(b, &channel->unwritten);
        batch_record_end(b);
    }
}

/* All that is done is in this batch, so it may free what lives no more. */
static void add_frees(struct engine *e)
{
    uint32_t i = dead_segment(e, 0);
    if (i == SEGMENT_NONE)
        return;
    batch_record(&e->batch, (struct journal_record){.type = JOURNAL_FREE});
    for (; i != SEGMENT_NONE; i = dead_segment(e, i + 1)) {
        const union journal_entry entry = {.freed = e->shelf.segments[i].id};
        batch_entry(&e->batch, JOURNAL_FREE, &entry);
        e->shelf.segments[i].is_freed = true;
        if (STORE_FAULT(REUSE_BEFORE_FREE))
            writer_free(e, i);
    }
    batch_record_end(&e->batch);
}

static void add_words(struct engine *e)
{
    for (const struct catalog_channel *one = e->catalog.dirty; one;
         one = one->next_dirty)
        add_channel(&e->batch, one);
    add_frees(e);
}

static void add_slice(struct batch *b, const struct slice *s)
{
    const uint8_t *text;
    uint32_t length = slice_text(s, &text);
    if (s->has_text) {
        uint8_t head[FRAME_HEAD_BYTES];
        frame_put_length(head, length);
        batch_add(b, head, sizeof head, false);
        batch_add(b, text, length, true);
    }
    batch_add(b, slice_bytes(s), s->length, true);
}

static int put_compare(const void *a, const void *b)
{
    const struct store_put *x = *(const struct store_put *const *)a;
    const struct store_put *y = *(const struct store_put *const *)b;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    return (x->slice.first > y->slice.first) -
           (x->slice.first < y->slice.first);
}

/* Whether `next` can be in the record of the one before it. */
static bool put_follows(const struct store_put *last,
                        const struct store_put *next, uint64_t payload)
{
    return last->channel == next->channel &&
           last->slice.first + last->slice.messages == next->slice.first &&
           last->slice.has_text == next->slice.has_text &&
           payload + next->slice.length <= RECORD_BYTES;
}

/* How many puts the next batch takes. */
static uint32_t puts_count(struct engine *e)
{
    uint64_t most = e->shelf.segment_bytes / 2, bytes = 0;
    uint32_t n = 0;
    if (most > BATCH_BYTES)
        most = BATCH_BYTES;
    for (; n < BATCH_PUTS && e->written + n != e->taken; n++) {
        bytes += put_bytes(&engine_put_at(e, e->written + n)->slice);
        if (n > 0 && bytes > most)
            break;
    }
    return n;
}

/* Adds puts, those of a channel that follow each other as one record. Returns
 * how many. */
static uint32_t add_puts(struct engine *e)
{
    struct batch *b = &e->batch;
    const struct store_put *sorted[BATCH_PUTS];
    uint32_t count = puts_count(e);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = engine_put_at(e, e->written + i);
    qsort(sorted, count, sizeof *sorted, put_compare);
    for (uint32_t i = 0; i < count;) {
        const struct store_put *put = sorted[i];
        batch_record(b, (struct journal_record){
                            .type = JOURNAL_MESSAGES,
                            .form = put->slice.has_text ? JOURNAL_FORM_RICH
                                                        : JOURNAL_FORM_PLAIN,
                            .channel = put->channel,
                            .first = put->slice.first,
                        });
        do {
            add_slice(b, &sorted[i]->slice);
            b->record.count += sorted[i]->slice.messages;
            i++;
        } while (i < count &&
                 put_follows(sorted[i - 1], sorted[i], b->payload));
        writer_record_end(e);
    }
    return count;
}

/* So many puts are on disk. */
static void apply_puts(struct engine *e, uint32_t count)
{
    for (; count > 0; count--)
        e->stats.messages += engine_put_at(e, e->written++)->slice.messages;
}

static void apply_words(struct engine *e)
{
    catalog_clean(&e->catalog);
    for (uint32_t i = 0; i < e->shelf.count; i++)
        if (e->shelf.segments[i].id != 0 && e->shelf.segments[i].is_freed)
            writer_free(e, i);
}

/* Space. */

/* What an error of the writer means for the store. */
static void engine_error(struct engine *e, int error)
{
    if (space_error(error))
        e->state = STORE_FULL;
    else if (error != 0 && error != ENOMEM)
        e->state = STORE_FAILED;
}

/* What was put together. */
struct built {
    uint32_t puts;
    uint64_t messages; /* bytes, with what INDEX needs for them */
    size_t next;       /* of the moves, before */
};

/* What moves may take in the batch, if there are some besides. */
static uint64_t moves_most(const struct engine *e)
{
    uint64_t used = e->batch.length + JOURNAL_BATCH_TRAILER;
    uint64_t room = writer_room(e, true);
    uint64_t left = room > used ? room - used : 0;
    return left < MOVING_BYTES ? left : MOVING_BYTES;
}

static struct built batch_build(struct engine *e, unsigned parts)
{
    struct built built = {.next = e->moving.next};
    writer_begin(e, 0);
    if (parts & WORDS)
        add_words(e);
    uint64_t words = e->batch.length;
    if (parts & PUTS)
        built.puts = add_puts(e);
    if (parts & MOVES)
        moving_gather(e, moves_most(e), false);
    built.messages = e->batch.length - words +
                     (e->index_count - e->index_known) * JOURNAL_INDEX_ENTRY;
    return built;
}

static void batch_discard(struct engine *e, const struct built *built)
{
    writer_discard(e);
    e->moving.next = built->next;
}

/* Begins another segment, whose STATE says the words; false when there is no
 * space for it. What has messages must leave the reserve. */
static bool segment_next(struct engine *e, uint64_t messages)
{
    int keep = messages > 0 ? SHELF_RESERVE : 0;
    if (shelf_make_spares(&e->shelf, keep + 1))
        return false;
    int error = writer_roll(e, messages, keep, NULL);
    engine_error(e, error);
    return error == 0;
}

/* Writes a batch, in a new segment if need be and that may have words; false
 * when there is no space for it. */
static bool batch_write(struct engine *e, unsigned parts)
{
    struct built built = batch_build(e, parts);
    uint64_t length = e->batch.length + JOURNAL_BATCH_TRAILER;
    if (e->batch.head.records > 0 &&
        length > writer_room(e, built.messages > 0)) {
        batch_discard(e, &built);
        if (!(parts & WORDS) || !segment_next(e, built.messages))
            return false;
        built = batch_build(e, parts);
    }
    if (e->batch.head.records == 0 && !e->batch.is_short)
        return true;
    int error = writer_commit(e, parts & WORDS);
    if (error) {
        batch_discard(e, &built);
        engine_error(e, error);
        return !space_error(error);
    }
    if (parts & WORDS)
        apply_words(e);
    apply_puts(e, built.puts);
    writer_apply(e);
    return true;
}

/* Empties a segment without space. Acknowledgements wait: what they take might
 * be what it needs. */
static void squeeze(struct engine *e)
{
    uint64_t batch;
    engine_error(e, moving_squeeze(e));
    do {
        batch = e->next_batch;
        if (e->state != STORE_FAILED)
            (void)batch_write(e, MOVES);
    } while (e->next_batch > batch);
    moving_give_up(e);
}

/* A newest segment that nothing needs is as good as a spare more: the STATE of
 * the next one frees it. One that holds a STATE alone would give nothing. */
static bool newest_renew(struct engine *e)
{
    const struct segment *newest = &e->shelf.segments[e->newest];
    if (newest->live > 0 || newest->is_damaged ||
        writer_room(e, false) >= writer_next_room(e) ||
        e->shelf.spares < SHELF_RESERVE)
        return false;
    int error = writer_roll(e, 0, 0, NULL);
    engine_error(e, error);
    return error == 0 && shelf_make_spares(&e->shelf, SHELF_RESERVE) == 0;
}

void step_run(struct engine *e)
{
    if (e->state == STORE_FULL &&
        (shelf_make_spares(&e->shelf, SHELF_RESERVE + 1) == 0 ||
         newest_renew(e)))
        e->state = STORE_OPEN;
    unsigned parts = e->state == STORE_OPEN ? WORDS | PUTS | MOVES : WORDS;
    bool is_short =
        !batch_write(e, parts) && parts != WORDS && e->state != STORE_FAILED;
    if (is_short && e->taken != e->written)
        e->state = STORE_FULL;
    if (is_short)
        (void)batch_write(e, WORDS);
    if (e->state == STORE_OPEN)
        room_provide(e);
    if (e->state == STORE_FULL || is_short)
        squeeze(e);
    if (e->state == STORE_OPEN)
        moving_choose(e);
}
