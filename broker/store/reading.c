/* SPDX-License-Identifier: MIT */
#include "broker/store/reading.h"

#include <string.h>

#include "proto/crc32c.h"
#include "proto/frame.h"
#include "proto/journal_reader.h"

enum { DIRECT_BYTES = 1 << 20 }; /* payloads above it are read into the block */

/* Whether a record is what the place says; its payload is not looked at. */
static bool record_matches(const struct journal_record *record,
                           const struct catalog_channel *channel,
                           const struct place *p)
{
    return record->type == JOURNAL_MESSAGES && record->channel == channel->id &&
           record->bytes == p->bytes && record->first <= p->first &&
           p->first + p->count <= record->first + record->count;
}

const uint8_t *reading_record(struct engine *e,
                              const struct catalog_channel *channel,
                              const struct place *p,
                              struct journal_record *record)
{
    struct journal_reader reader = window_reader(&e->window, p->segment);
    uint64_t at = (uint64_t)p->at * JOURNAL_ALIGNMENT;
    const uint8_t *payload;
    /* The header and the payload are had in one read. */
    (void)window_get(&e->window, p->segment, at,
                     JOURNAL_RECORD_HEADER + (uint64_t)p->bytes);
    bool is_sound = !journal_read_record(&reader, at, record, &payload) &&
                    record_matches(record, channel, p);
    return is_sound ? payload : NULL;
}

/* The length and the text lie where the text and its length have to be. */
static void text_shift(struct slice *run, uint8_t *bytes)
{
    uint32_t text = frame_get_length(bytes);
    uint16_t n = (uint16_t)text;
    memmove(bytes + SLICE_TEXT_HEAD, bytes + FRAME_HEAD_BYTES, text);
    memcpy(bytes + SLICE_TEXT_HEAD + text, &n, SLICE_TEXT_HEAD);
    run->has_text = true;
    run->offset += FRAME_HEAD_BYTES + text;
    run->length -= FRAME_HEAD_BYTES + text;
}

/* Whether the block, and the list of runs, have room for a message. */
static bool has_room(struct store_read *r, uint64_t length)
{
    if (length > r->into->capacity - r->into->used)
        r->needs = r->run_count == 0 ? (uint32_t)length : 0;
    return length <= r->into->capacity - r->into->used &&
           r->run_count < STORE_READ_RUNS;
}

/* Takes a message that lies in the block behind those that were taken. */
static void message_take(struct store_read *r, enum journal_form form,
                         uint64_t number, uint32_t length)
{
    struct block *into = r->into;
    struct slice *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;
    bool follows = last && form == JOURNAL_FORM_PLAIN && !last->has_text &&
                   last->first + last->messages == number &&
                   last->messages < UINT16_MAX;
    if (!follows) {
        last = &r->runs[r->run_count++];
        *last = (struct slice){
            .block = into, .offset = into->used, .first = number};
    }
    last->length += length;
    last->messages++;
    if (form == JOURNAL_FORM_RICH)
        text_shift(last, into->bytes + into->used);
    into->used += length;
    r->next = number + 1;
}

/* Takes what is wanted of a record; false when there is no room for more. */
static bool messages_take(const struct catalog_channel *channel,
                          const struct place *p,
                          const struct journal_record *record,
                          const uint8_t *payload, struct store_read *r)
{
    uint64_t number = record->first, end, left = record->bytes;
    uint64_t stop = p->first + p->count < r->end ? p->first + p->count : r->end;
    uint64_t first = r->next > p->first ? r->next : p->first;
    for (; catalog_run(channel, &first, &end, stop); first = end)
        for (; number < end; number++) {
            uint32_t length =
                (uint32_t)journal_message_bytes(record->form, payload, left);
            if (number >= first) {
                if (!has_room(r, length))
                    return false;
                memcpy(r->into->bytes + r->into->used, payload, length);
                message_take(r, record->form, number, length);
            }
            payload += length;
            left -= length;
        }
    r->next = stop;
    return true;
}

/* Reads a large message, which is alone in its record, into the empty block
 * itself. False when it is damaged. */
static bool large_read(struct engine *e, const struct place *p,
                       const struct journal_record *record,
                       struct store_read *r)
{
    uint64_t at = (uint64_t)p->at * JOURNAL_ALIGNMENT + JOURNAL_RECORD_HEADER;
    uint32_t seed = e->shelf.segments[p->segment].seed;
    uint8_t *into = r->into->bytes;
    size_t got;
    if (!has_room(r, p->bytes))
        return true;
    if (shelf_read(&e->shelf, p->segment, at, into, p->bytes, &got) ||
        got != p->bytes || crc32c(seed, into, p->bytes) != record->checksum ||
        journal_check(record, into))
        return false;
    message_take(r, record->form, p->first, p->bytes);
    return true;
}

/* What is wanted of it is lost, and its file is kept for whoever wants to save
 * it. False when that does not follow what was lost before. */
static bool place_is_damaged(struct engine *e,
                             const struct catalog_channel *channel,
                             const struct place *p, struct store_read *r)
{
    uint64_t stop = p->first + p->count < r->end ? p->first + p->count : r->end;
    uint64_t first = r->next > p->first ? r->next : p->first, end;
    e->shelf.segments[p->segment].is_damaged = true;
    while (catalog_run(channel, &first, &end, stop)) {
        if (r->damaged == 0)
            r->lost = first;
        if (r->lost + r->damaged != first)
            return false;
        r->damaged += end - first;
        e->stats.damaged_messages += end - first;
        r->next = first = end;
    }
    r->next = stop;
    return true;
}

/* Whether a large message is alone in its record. */
static bool is_alone(struct engine *e, const struct catalog_channel *channel,
                     const struct place *p, struct journal_record *record)
{
    struct journal_reader reader = window_reader(&e->window, p->segment);
    return !journal_read_record(&reader, (uint64_t)p->at * JOURNAL_ALIGNMENT,
                                record, NULL) &&
           record_matches(record, channel, p) && record->count == 1;
}

/* Takes what is wanted of a place. False when that is the last of what is read,
 * or belongs to the next read: what is lost comes last. */
static bool place_take(struct engine *e, const struct catalog_channel *channel,
                       const struct place *p, struct store_read *r)
{
    struct journal_record record;
    bool is_large = p->bytes > DIRECT_BYTES;
    if (is_large && (r->run_count > 0 || r->damaged > 0))
        return false;
    if (is_large && is_alone(e, channel, p, &record))
        return !large_read(e, p, &record, r) &&
               place_is_damaged(e, channel, p, r);
    const uint8_t *payload = reading_record(e, channel, p, &record);
    if (!payload)
        return place_is_damaged(e, channel, p, r);
    return r->damaged == 0 && messages_take(channel, p, &record, payload, r);
}

void reading_run(struct engine *e, struct store_read *r)
{
    const struct catalog_channel *channel =
        catalog_find(&e->catalog, r->channel);
    r->run_count = 0;
    r->needs = 0;
    r->damaged = 0;
    r->next = r->from;
    if (!channel)
        return;
    uint64_t stop = r->end < channel->next ? r->end : channel->next;
    for (uint32_t i = catalog_search(channel, r->from);
         i < channel->end && channel->places[i].first < stop; i++)
        if (channel->places[i].left > 0 &&
            !place_take(e, channel, &channel->places[i], r))
            return;
    r->next = stop > r->from ? stop : r->from;
}
