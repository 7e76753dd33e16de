/* SPDX-License-Identifier: MIT */
#include "broker/store/reading.h"

#include <string.h>

#include "proto/crc32c.h"
#include "proto/frame.h"

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

/* The payload of a record, sound; NULL when it is damaged. */
static const uint8_t *payload_get(struct engine *e, const struct place *p,
                                  const struct journal_record *record)
{
    const struct segment *segment = &e->shelf.segments[p->segment];
    uint64_t at = (uint64_t)p->at * JOURNAL_ALIGNMENT + JOURNAL_RECORD_HEADER;
    const uint8_t *bytes = window_get(&e->window, p->segment, at, p->bytes);
    bool is_sound =
        bytes && crc32c(segment->seed, bytes, p->bytes) == record->checksum &&
        journal_check(record, bytes) == JOURNAL_SOUND;
    return is_sound ? bytes : NULL;
}

/* Bytes that a message takes in a block: the length of a text has two of them
 * there instead of four. */
static uint32_t block_bytes(const struct journal_record *record,
                            uint64_t message)
{
    bool is_rich = record->form == JOURNAL_FORM_RICH;
    return (uint32_t)message -
           (is_rich ? FRAME_HEAD_BYTES - SLICE_TEXT_HEAD : 0);
}

/* Appends a message to the block, which has room; false when there are too many
 * runs. */
static bool message_append(struct store_read *r,
                           const struct journal_record *record, uint64_t number,
                           const uint8_t *message, uint32_t length)
{
    struct block *into = r->into;
    struct slice *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;
    bool is_rich = record->form == JOURNAL_FORM_RICH;
    bool follows = last && !is_rich && !last->has_text &&
                   last->first + last->messages == number &&
                   last->offset + last->length == into->used &&
                   last->messages < UINT16_MAX;
    if (!follows && r->run_count == STORE_READ_RUNS)
        return false;
    if (is_rich) {
        uint32_t text = frame_get_length(message);
        uint16_t n = (uint16_t)text;
        memcpy(into->bytes + into->used, message + FRAME_HEAD_BYTES, text);
        memcpy(into->bytes + into->used + text, &n, SLICE_TEXT_HEAD);
        into->used += text + SLICE_TEXT_HEAD;
        message += FRAME_HEAD_BYTES + text;
        length -= FRAME_HEAD_BYTES + text;
    }
    if (!follows) {
        last = &r->runs[r->run_count++];
        *last = (struct slice){.block = into,
                               .offset = into->used,
                               .has_text = is_rich,
                               .first = number};
    }
    memcpy(into->bytes + into->used, message, length);
    into->used += length;
    last->length += length;
    last->messages++;
    return true;
}

/* Takes what is wanted of a record; false when the block has no room for more.
 */
static bool place_read(const struct catalog_channel *channel,
                       const struct place *p,
                       const struct journal_record *record,
                       const uint8_t *payload, struct store_read *r)
{
    uint64_t number = record->first, end, left = record->bytes;
    uint64_t stop = p->first + p->count < r->end ? p->first + p->count : r->end;
    uint64_t first = r->next > p->first ? r->next : p->first;
    while (catalog_run(channel, &first, &end, stop)) {
        for (; number < end; number++) {
            uint64_t length =
                journal_message_bytes(record->form, payload, left);
            if (number >= first) {
                uint32_t need = block_bytes(record, length);
                if (need > r->into->capacity - r->into->used) {
                    r->needs = r->run_count == 0 ? need : 0;
                    return false;
                }
                if (!message_append(r, record, number, payload,
                                    (uint32_t)length))
                    return false;
                r->next = number + 1;
            }
            payload += length;
            left -= length;
        }
        first = end;
    }
    r->next = stop;
    return true;
}

/* The header of a record that a place refers to, and if that is wanted soon its
 * payload, in one read; false when the header is damaged. */
static bool head_get(struct engine *e, const struct catalog_channel *channel,
                     const struct place *p, struct journal_record *record)
{
    uint32_t seed = e->shelf.segments[p->segment].seed;
    uint64_t payload = p->bytes <= DIRECT_BYTES ? p->bytes : 0;
    const uint8_t *head =
        window_get(&e->window, p->segment, (uint64_t)p->at * JOURNAL_ALIGNMENT,
                   JOURNAL_RECORD_HEADER + payload);
    return head &&
           !journal_get_record(record, seed, head, JOURNAL_RECORD_HEADER) &&
           record_matches(record, channel, p);
}

const uint8_t *reading_record(struct engine *e,
                              const struct catalog_channel *channel,
                              const struct place *p,
                              struct journal_record *record)
{
    return head_get(e, channel, p, record) ? payload_get(e, p, record) : NULL;
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
    if (p->bytes > r->into->capacity) {
        r->needs = p->bytes;
        return true;
    }
    if (shelf_read(&e->shelf, p->segment, at, into, p->bytes, &got) ||
        got != p->bytes || crc32c(seed, into, p->bytes) != record->checksum ||
        journal_check(record, into))
        return false;
    r->runs[r->run_count++] = (struct slice){
        .block = r->into, .length = p->bytes, .messages = 1, .first = p->first};
    if (record->form == JOURNAL_FORM_RICH)
        text_shift(&r->runs[0], into);
    r->into->used = p->bytes;
    r->next = p->first + 1;
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

/* Takes what is wanted of a place. False when that is the last of what is read,
 * or belongs to the next read: what is lost comes last. */
static bool place_take(struct engine *e, const struct catalog_channel *channel,
                       const struct place *p, struct store_read *r)
{
    struct journal_record record;
    bool is_large = p->bytes > DIRECT_BYTES;
    if (is_large && (r->run_count > 0 || r->damaged > 0))
        return false;
    if (!head_get(e, channel, p, &record))
        return place_is_damaged(e, channel, p, r);
    if (is_large && record.count == 1)
        return !large_read(e, p, &record, r) &&
               place_is_damaged(e, channel, p, r);
    const uint8_t *payload = payload_get(e, p, &record);
    if (!payload)
        return place_is_damaged(e, channel, p, r);
    return r->damaged == 0 && place_read(channel, p, &record, payload, r);
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
