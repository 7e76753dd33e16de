/* SPDX-License-Identifier: MIT */
#include "broker/store/moving.h"

#include <stdlib.h>

#include "broker/store/reading.h"
#include "broker/store/writer.h"
#include "common/vector.h"

enum {
    BATCH_FRAME = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER,
    FREE_BATCH = BATCH_FRAME + JOURNAL_RECORD_HEADER + JOURNAL_FREE_ENTRY,
    SLACK = 4,  /* segments beyond twice what is live */
    SHARE = 16, /* of a segment, that less lives there: it is looked at again */
};

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

static int move_compare(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* Notes what is wanted of a channel there; false without memory. */
static bool moving_note(struct moving *m, const struct catalog_channel *channel,
                        uint32_t segment, uint64_t from)
{
    for (uint32_t i = channel->begin; i < channel->end; i++) {
        const struct place *p = &channel->places[i];
        if (p->segment != segment || p->left == 0 ||
            (uint64_t)p->at * JOURNAL_ALIGNMENT < from)
            continue;
        struct move *more =
            vector_grow(m->moves, &m->room, m->count, sizeof *more);
        if (!more)
            return false;
        m->moves = more;
        m->moves[m->count++] = (struct move){p->first, channel->id, p->at};
    }
    return true;
}

bool moving_begin(struct engine *e, uint32_t segment, uint64_t from)
{
    struct moving *m = &e->moving;
    m->victim = SEGMENT_NONE;
    m->count = m->next = 0;
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following)
        if (!moving_note(m, one, segment, from))
            return false;
    if (m->count > 0)
        qsort(m->moves, m->count, sizeof *m->moves, move_compare);
    m->victim = segment;
    return true;
}

void moving_clear(struct moving *m)
{
    free(m->moves);
    *m = (struct moving){.victim = SEGMENT_NONE};
}

void moving_give_up(struct engine *e)
{
    if (e->moving.victim == SEGMENT_NONE)
        return;
    struct segment *victim = &e->shelf.segments[e->moving.victim];
    victim->need = UINT64_MAX;
    victim->need_live = victim->live;
    e->moving.victim = SEGMENT_NONE;
}

void moving_choose(struct engine *e)
{
    if (e->moving.next == e->moving.count)
        moving_give_up(e);
    if (e->moving.victim != SEGMENT_NONE || !is_wasteful(e))
        return;
    uint32_t least = segment_least(e, e->newest, SEGMENT_NONE);
    if (least == SEGMENT_NONE)
        return;
    const struct segment *one = &e->shelf.segments[least];
    if (segment_need(one) < one->bytes / 4 * 3)
        (void)moving_begin(e, least, 0);
}

/* A place's messages in the record where they are. */
struct source {
    const struct catalog_channel *channel;
    const struct place *place;
    struct journal_record record;
    const uint8_t *payload;
};

/* What is wanted of them would take in a batch, to which it is added if
 * `adds`. */
static uint64_t source_copy(struct engine *e, const struct source *s, bool adds,
                            bool stays)
{
    const uint8_t *at = s->payload, *behind = at + s->record.bytes;
    uint64_t size = 0, number = s->record.first, first = s->place->first, end;
    uint64_t stop = first + s->place->count;
    for (; catalog_run(s->channel, &first, &end, stop); first = end) {
        const uint8_t *begin = at;
        for (; number < end; number++) {
            if (number == first)
                begin = at;
            at += journal_message_bytes(s->record.form, at,
                                        (uint64_t)(behind - at));
        }
        size += JOURNAL_RECORD_HEADER + journal_padded((uint64_t)(at - begin)) +
                JOURNAL_INDEX_ENTRY;
        if (!adds)
            continue;
        batch_record(&e->batch, (struct journal_record){
                                    .type = JOURNAL_MESSAGES,
                                    .flags = JOURNAL_RECORD_MOVED,
                                    .form = s->record.form,
                                    .channel = s->record.channel,
                                    .count = (uint32_t)(end - first),
                                    .first = first,
                                });
        batch_add(&e->batch, begin, (size_t)(at - begin), stays);
        writer_record_end(e);
    }
    return size;
}

/* Finds the next move's messages, if any are still wanted, in the victim. What
 * is damaged there stays, and keeps the file, so no more is copied. */
static bool move_find(struct engine *e, const struct move *m, struct source *s)
{
    s->channel = catalog_find(&e->catalog, m->channel);
    if (!s->channel)
        return false;
    uint32_t at = catalog_search(s->channel, m->first);
    s->place = &s->channel->places[at];
    if (at == s->channel->end || s->place->first != m->first ||
        s->place->segment != e->moving.victim || s->place->at != m->at ||
        s->place->left == 0)
        return false;
    s->payload = reading_record(e, s->channel, s->place, &s->record);
    if (!s->payload) {
        e->shelf.segments[e->moving.victim].is_damaged = true;
        e->stats.damaged_messages += s->place->left;
        e->moving.victim = SEGMENT_NONE;
    }
    return s->payload;
}

/* The same, going on until there is one; what it takes, or 0 at the end. */
static uint64_t moving_find(struct engine *e, struct source *s)
{
    struct moving *m = &e->moving;
    for (; m->victim != SEGMENT_NONE && m->next < m->count; m->next++)
        if (move_find(e, &m->moves[m->next], s))
            return source_copy(e, s, false, false);
    return 0;
}

uint64_t moving_measure(struct engine *e)
{
    uint64_t bytes = 0, size;
    struct source s;
    for (; (size = moving_find(e, &s)) > 0; e->moving.next++)
        bytes += size;
    e->moving.next = 0;
    return bytes;
}

/* What copying the segment takes, with batches and a FREE. */
static uint64_t segment_measure(struct engine *e, uint32_t at)
{
    struct segment *segment = &e->shelf.segments[at];
    if (segment->need > 0 && segment->need_live == segment->live)
        return segment->need;
    if (!moving_begin(e, at, 0))
        return UINT64_MAX;
    uint64_t bytes = moving_measure(e);
    bytes += (2 * bytes / MOVING_BYTES + 1) * BATCH_FRAME + FREE_BATCH;
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
    uint64_t room = writer_room(e, true);
    uint32_t a = segment_least(e, e->newest, SEGMENT_NONE);
    int error = 0;
    e->moving.victim = SEGMENT_NONE;
    if (!segment_fits(e, a, room)) {
        a = segment_least(e, SEGMENT_NONE, SEGMENT_NONE);
        uint32_t b = segment_least(e, a, SEGMENT_NONE);
        room = writer_next_room(e);
        if (e->shelf.spares < SHELF_RESERVE || !segment_fits(e, a, room) ||
            !segment_fits(e, b, room - e->shelf.segments[a].need))
            return 0;
        error = writer_roll(e, 0, 0, NULL);
    }
    if (!error)
        (void)moving_begin(e, a, 0);
    return error;
}

void moving_gather(struct engine *e, uint64_t most, bool stays)
{
    struct source s;
    uint64_t size, moved = 0;
    bool is_last = false;
    while (!is_last && (size = moving_find(e, &s)) > 0 &&
           (moved == 0 || moved + size <= most)) {
        /* The window moves on unless it is the last one. */
        is_last = !stays && s.record.bytes > MOVING_BYTES;
        moved += source_copy(e, &s, true, stays || is_last);
        e->moving.next++;
    }
}
