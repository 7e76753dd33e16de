/* SPDX-License-Identifier: MIT */
#include "broker/store/step.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/store/fault.h"
#include "broker/store/moving.h"
#include "broker/store/writer.h"
#include "proto/frame.h"

enum {
    RECORD_BYTES = 256 << 10, /* messages of one record, about */
    BATCH_PUTS = 4096,
    BATCH_BYTES = JOURNAL_BATCH_MAX / 8 * 7, /* of puts, unless one is more */
    /* What a batch takes but for its records, zeros to a page included. */
    BATCH_EXTRA = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER + JOURNAL_PAGE,
};

/* What a put takes in a batch, at most. */
static uint64_t put_bytes(const struct slice *s)
{
    const uint8_t *text;
    uint64_t length = s->length;
    if (s->has_text)
        length += FRAME_HEAD_BYTES + slice_text(s, &text);
    return JOURNAL_RECORD_HEADER + journal_padded(length) + JOURNAL_INDEX_ENTRY;
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

/* Bytes of everything but messages, at most; 0: there is nothing. */
static uint64_t words_bytes(const struct engine *e)
{
    uint64_t bytes = 0;
    for (const struct catalog_channel *one = e->catalog.dirty; one;
         one = one->next_dirty) {
        uint64_t ranges = one->unwritten.count;
        bytes += 2 * JOURNAL_RECORD_HEADER;
        if (one->is_new) {
            bytes += JOURNAL_RECORD_HEADER + JOURNAL_CHANNEL_ENTRY +
                     JOURNAL_NAME_MAX + 1;
            ranges += one->done.count;
        }
        bytes += ranges * JOURNAL_RANGE;
    }
    for (uint32_t i = dead_segment(e, 0); i != SEGMENT_NONE;
         i = dead_segment(e, i + 1))
        bytes += JOURNAL_RECORD_HEADER + JOURNAL_FREE_ENTRY;
    return bytes;
}

/* What the next batch takes. */
struct plan {
    uint64_t words, puts, moves; /* bytes */
    uint32_t put_count;
    bool is_short; /* there was no space for all of it */
};

/* Plans the puts that fit into a batch, and of whose messages the catalog has
 * memory for the places. */
static void plan_puts(struct engine *e, struct plan *plan)
{
    uint64_t most = e->shelf.segment_bytes / 2 < BATCH_BYTES
                        ? e->shelf.segment_bytes / 2
                        : BATCH_BYTES;
    for (uint32_t n = e->written; n != e->taken; n++) {
        const struct store_put *put = engine_put_at(e, n);
        uint64_t bytes = put_bytes(&put->slice);
        if (plan->put_count == BATCH_PUTS ||
            (plan->put_count > 0 && plan->puts + bytes > most))
            return;
        struct catalog_channel *channel =
            catalog_find(&e->catalog, put->channel);
        if (n == e->placed) {
            if (channel && !catalog_reserve(channel))
                return;
            e->placed++;
        }
        plan->puts += bytes;
        plan->put_count++;
    }
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

/* Adds puts, those of a channel that follow each other as one record. */
static void add_puts(struct engine *e, uint32_t count)
{
    struct batch *b = &e->batch;
    const struct store_put *sorted[BATCH_PUTS];
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
}

/* So many puts are on disk. */
static void apply_puts(struct engine *e, uint32_t count)
{
    for (; count > 0; count--) {
        const struct store_put *put = engine_put_at(e, e->written++);
        struct catalog_channel *channel =
            catalog_find(&e->catalog, put->channel);
        if (channel)
            channel->reserved--;
        e->stats.messages += put->slice.messages;
    }
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

/* Makes room for what is planned, in the newest segment or a new one, whose
 * STATE says the words already; false when there is no space for it. What has
 * messages must leave the reserve. */
static bool plan_place(struct engine *e, struct plan *plan)
{
    uint64_t bytes = plan->puts + plan->moves;
    int keep = bytes > 0 ? SHELF_RESERVE : 0;
    bytes += BATCH_EXTRA + (bytes > 0 ? writer_margin(e) : 0);
    /* The zeros are left out if need be. */
    if (plan->words + bytes - JOURNAL_PAGE <= writer_room(e))
        return true;
    bool takes_spare = writer_segment_bytes(e, bytes) == e->shelf.segment_bytes;
    if (shelf_make_spares(&e->shelf, keep + takes_spare))
        return false;
    e->shelf.keep = keep;
    int error = writer_roll(e, bytes, NULL);
    engine_error(e, error);
    if (!error)
        plan->words = 0;
    return error == 0;
}

/* The same as far as there is space: without messages if need be. */
static bool plan_fit(struct engine *e, struct plan *plan)
{
    if (plan_place(e, plan))
        return true;
    if (e->state == STORE_FAILED || plan->puts + plan->moves == 0)
        return false;
    if (plan->puts > 0)
        e->state = STORE_FULL;
    *plan = (struct plan){.words = plan->words, .is_short = true};
    return plan->words > 0 && plan_place(e, plan);
}

static void batch_write(struct engine *e, const struct plan *plan)
{
    struct moving before = e->moving;
    writer_begin(e, 0);
    add_words(e);
    add_puts(e, plan->put_count);
    if (plan->moves > 0) {
        uint64_t used = e->batch.length, margin = writer_margin(e);
        uint64_t room = writer_room(e);
        moving_gather(e, room > used + margin ? room - used - margin : 0,
                      MOVING_BYTES, false);
    }
    if (e->batch.head.records == 0 && !e->batch.is_short)
        return;
    int error = writer_commit(e);
    if (error) {
        e->moving = before;
        e->index_count = e->index_known;
        engine_error(e, error);
        return;
    }
    apply_words(e);
    apply_puts(e, plan->put_count);
    writer_apply(e);
}

/* Empties a segment without space. Acknowledgements wait: what they take might
 * be what it needs. */
static void squeeze(struct engine *e)
{
    const struct plan plan = {.moves = 1};
    uint64_t batch;
    engine_error(e, moving_squeeze(e));
    e->is_tight = true;
    do {
        batch = e->next_batch;
        if (e->state != STORE_FAILED && e->moving.victim != SEGMENT_NONE)
            batch_write(e, &plan);
    } while (e->next_batch > batch);
    e->is_tight = false;
    moving_give_up(e);
}

void step_run(struct engine *e)
{
    if (e->state == STORE_FULL &&
        shelf_make_spares(&e->shelf, SHELF_RESERVE + 1) == 0)
        e->state = STORE_OPEN;
    struct plan plan = {.words = words_bytes(e)};
    if (has_puts(e))
        plan_puts(e, &plan);
    if (e->state == STORE_OPEN && e->moving.victim != SEGMENT_NONE)
        plan.moves = moving_peek(e);
    if (plan.words + plan.puts + plan.moves > 0 && plan_fit(e, &plan))
        batch_write(e, &plan);
    if (e->state == STORE_FULL || plan.is_short)
        squeeze(e);
    if (e->state == STORE_OPEN)
        moving_choose(e);
}
