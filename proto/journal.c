/* SPDX-License-Identifier: MIT */
#include "proto/journal.h"

#include <string.h>

#include "proto/crc32c.h"
#include "proto/frame.h"
#include "proto/little.h"

enum { OWN_CHECKSUM = 4 }; /* the last bytes of each part that has one */

/* The parts of a file that begin a chain of checks: a magic number, and a
 * checksum of their own. */
static const struct part {
    size_t bytes;
    const char *magic;
    const char *widths; /* of the fields: a digit each, in bytes */
} segment_part = {JOURNAL_SEGMENT_HEADER, "SLUICEJ\n",
                  "11111111224811111111111111118844"},
  batch_part = {JOURNAL_BATCH_HEADER, "JBAT", "1111488844"},
  record_part = {JOURNAL_RECORD_HEADER, "", "4111144844"},
  seal_part = {JOURNAL_SEAL, "JSEALED\n", "111111118844"};

struct seal {
    char magic[8];
    uint64_t id, index;
    uint32_t zero;
    uint32_t own_checksum;
};

/* Turns fields round, between the file and a machine that is big-endian. */
static void order(void *fields, const char *widths)
{
    uint8_t *at = fields;
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        return;
    for (; *widths; widths++) {
        int n = *widths - '0';
        for (int i = 0; i < n / 2; i++) {
            uint8_t byte = at[i];
            at[i] = at[n - 1 - i];
            at[n - 1 - i] = byte;
        }
        at += n;
    }
}

const char *journal_fault_text(enum journal_fault fault)
{
    static const char *const texts[] = {
        [JOURNAL_SOUND] = "sound",
        [JOURNAL_SHORT] = "cut short",
        [JOURNAL_FOREIGN] = "not part of a journal",
        [JOURNAL_CHECKSUM] = "checksum does not match",
        [JOURNAL_NEWER] = "written by a newer version",
        [JOURNAL_MALFORMED] = "impossible values",
    };
    return texts[fault];
}

bool journal_is_zero(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < length; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void part_put(const struct part *part, uint8_t *out, const void *fields,
                     uint32_t seed)
{
    size_t checked = part->bytes - OWN_CHECKSUM;
    memcpy(out, fields, checked);
    memcpy(out, part->magic, strlen(part->magic));
    order(out, part->widths);
    little_put_32(out + checked, crc32c(seed, out, checked));
}

static enum journal_fault part_get(const struct part *part, void *fields,
                                   uint32_t seed, const void *bytes,
                                   size_t length)
{
    const uint8_t *p = bytes;
    size_t checked = part->bytes - OWN_CHECKSUM;
    if (length < part->bytes)
        return JOURNAL_SHORT;
    if (memcmp(p, part->magic, strlen(part->magic)) != 0)
        return JOURNAL_FOREIGN;
    if (crc32c(seed, p, checked) != little_get_32(p + checked))
        return JOURNAL_CHECKSUM;
    memcpy(fields, p, part->bytes);
    order(fields, part->widths);
    return JOURNAL_SOUND;
}

void journal_put_segment(uint8_t out[JOURNAL_SEGMENT_HEADER],
                         const struct journal_segment *segment)
{
    struct journal_segment header = *segment;
    header.version = header.least_version = JOURNAL_VERSION;
    header.header_bytes = JOURNAL_SEGMENT_HEADER;
    part_put(&segment_part, out, &header, 0);
}

enum journal_fault journal_get_segment(struct journal_segment *segment,
                                       const void *bytes, size_t length)
{
    enum journal_fault fault =
        part_get(&segment_part, segment, 0, bytes, length);
    if (fault)
        return fault;
    if (segment->least_version > JOURNAL_VERSION)
        return JOURNAL_NEWER;
    bool is_possible = segment->id > 0 &&
                       segment->header_bytes >= JOURNAL_SEGMENT_HEADER &&
                       segment->header_bytes % JOURNAL_ALIGNMENT == 0 &&
                       segment->header_bytes <= segment->file_bytes;
    return is_possible ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

uint32_t journal_seed(const struct journal_segment *segment)
{
    uint8_t rest[8 + 4];
    little_put_64(rest, segment->id);
    little_put_32(rest + 8, segment->salt);
    return crc32c(crc32c(0, segment->uuid, JOURNAL_UUID), rest, sizeof rest);
}

void journal_put_batch(uint8_t out[JOURNAL_BATCH_HEADER], uint32_t seed,
                       const struct journal_batch *batch)
{
    part_put(&batch_part, out, batch, seed);
}

enum journal_fault journal_get_batch(struct journal_batch *batch, uint32_t seed,
                                     const void *bytes, size_t length)
{
    enum journal_fault fault =
        part_get(&batch_part, batch, seed, bytes, length);
    if (fault)
        return fault;
    if (batch->flags & ~(uint32_t)JOURNAL_BATCH_FLAGS)
        return JOURNAL_NEWER;
    uint64_t least = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER +
                     (uint64_t)batch->records * JOURNAL_RECORD_HEADER;
    bool is_possible = batch->records > 0 && batch->bytes >= least &&
                       batch->bytes % JOURNAL_ALIGNMENT == 0 &&
                       batch->bytes <= INT64_MAX;
    return is_possible ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

void journal_put_trailer(uint8_t out[JOURNAL_BATCH_TRAILER], uint32_t checksum,
                         uint64_t number)
{
    memcpy(out, "JEND", 4);
    little_put_32(out + 4, checksum);
    little_put_64(out + 8, number);
}

void journal_put_record(uint8_t out[JOURNAL_RECORD_HEADER], uint32_t seed,
                        const struct journal_record *record)
{
    part_put(&record_part, out, record, seed);
}

enum journal_fault journal_get_record(struct journal_record *record,
                                      uint32_t seed, const void *bytes,
                                      size_t length)
{
    enum journal_fault fault =
        part_get(&record_part, record, seed, bytes, length);
    if (fault)
        return fault;
    bool is_known = record->type > 0 && record->type < JOURNAL_TYPES;
    if (!is_known && record->flags & JOURNAL_RECORD_CRITICAL)
        return JOURNAL_NEWER;
    return record->zero == 0 ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

void journal_put_seal(uint8_t out[JOURNAL_SEAL], uint32_t seed, uint64_t id,
                      uint64_t index)
{
    struct seal seal = {.id = id, .index = index};
    part_put(&seal_part, out, &seal, seed);
}

bool journal_get_seal(uint64_t *index, uint32_t seed, uint64_t id,
                      const uint8_t bytes[JOURNAL_SEAL])
{
    struct seal seal;
    bool is_sound = !part_get(&seal_part, &seal, seed, bytes, JOURNAL_SEAL) &&
                    seal.id == id && seal.zero == 0;
    if (is_sound)
        *index = seal.index;
    return is_sound;
}

/* Batches. */

/* Zeros from `end` to the next page. */
static uint64_t page_rest(uint64_t end)
{
    return (JOURNAL_PAGE - end % JOURNAL_PAGE) % JOURNAL_PAGE;
}

uint64_t journal_batch_end(const struct journal_batch *batch, uint64_t offset)
{
    uint64_t end = offset + batch->bytes;
    return batch->flags & JOURNAL_BATCH_PAGE ? end + page_rest(end) : end;
}

void journal_batch_fill_page(struct journal_batch *batch, uint64_t offset)
{
    if (page_rest(offset + batch->bytes) <= batch->bytes / 4)
        batch->flags |= JOURNAL_BATCH_PAGE;
}

/* One record at *at, which moves behind it. */
static enum journal_fault verify_record(const uint8_t **at, const uint8_t *end,
                                        uint32_t seed, uint32_t *headers)
{
    struct journal_record record;
    size_t left = (size_t)(end - *at);
    enum journal_fault fault = journal_get_record(&record, seed, *at, left);
    if (fault)
        return fault == JOURNAL_SHORT ? JOURNAL_MALFORMED : fault;
    *headers = crc32c(*headers, *at, JOURNAL_RECORD_HEADER);
    const uint8_t *payload = *at + JOURNAL_RECORD_HEADER;
    left -= JOURNAL_RECORD_HEADER;
    uint64_t padded = journal_padded(record.bytes);
    if (padded > left)
        return JOURNAL_MALFORMED;
    if (crc32c(seed, payload, record.bytes) != record.checksum)
        return JOURNAL_CHECKSUM;
    if (!journal_is_zero(payload + record.bytes,
                         (size_t)(padded - record.bytes)))
        return JOURNAL_MALFORMED;
    *at = payload + padded;
    return JOURNAL_SOUND;
}

enum journal_fault journal_verify(struct journal_batch *batch, uint32_t seed,
                                  const void *bytes, size_t length)
{
    enum journal_fault fault = journal_get_batch(batch, seed, bytes, length);
    if (fault)
        return fault;
    if (batch->bytes > length)
        return JOURNAL_SHORT;
    const uint8_t *at = (const uint8_t *)bytes + JOURNAL_BATCH_HEADER;
    const uint8_t *end =
        (const uint8_t *)bytes + batch->bytes - JOURNAL_BATCH_TRAILER;
    uint32_t headers = seed;
    for (uint32_t i = 0; i < batch->records; i++) {
        fault = verify_record(&at, end, seed, &headers);
        if (fault)
            return fault;
    }
    uint8_t trailer[JOURNAL_BATCH_TRAILER];
    journal_put_trailer(trailer, headers, batch->number);
    if (at != end)
        return JOURNAL_MALFORMED;
    return memcmp(end, trailer, sizeof trailer) == 0 ? JOURNAL_SOUND
                                                     : JOURNAL_CHECKSUM;
}

struct journal_walk journal_walk(const void *bytes)
{
    const uint8_t *p = bytes;
    return (struct journal_walk){p + JOURNAL_BATCH_HEADER,
                                 little_get_32(p + 4)};
}

bool journal_walk_next(struct journal_walk *walk, struct journal_record *record,
                       const uint8_t **payload)
{
    if (walk->left == 0)
        return false;
    walk->left--;
    memcpy(record, walk->at, sizeof *record);
    order(record, record_part.widths);
    *payload = walk->at + JOURNAL_RECORD_HEADER;
    walk->at = *payload + journal_padded(record->bytes);
    return true;
}

/* What records hold. */

/* Bytes of the frame at the front, its length included; 0 if it is cut. */
static uint64_t frame_bytes(const uint8_t *bytes, uint64_t left)
{
    if (left < FRAME_HEAD_BYTES)
        return 0;
    uint64_t whole = FRAME_HEAD_BYTES + (uint64_t)frame_get_length(bytes);
    return whole <= left ? whole : 0;
}

uint64_t journal_message_bytes(enum journal_form form, const uint8_t *bytes,
                               uint64_t left)
{
    uint64_t first = frame_bytes(bytes, left);
    if (form == JOURNAL_FORM_PLAIN || first == 0)
        return first;
    uint64_t second = frame_bytes(bytes + first, left - first);
    return second == 0 ? 0 : first + second;
}

/* Whether these are numbers: from 1 on, and below 2^63. */
static bool numbers_fit(uint64_t first, uint64_t count)
{
    return first > 0 && first <= INT64_MAX && count > 0 &&
           count <= INT64_MAX - first;
}

static bool check_messages(const struct journal_record *record,
                           const uint8_t *payload)
{
    enum journal_form form = record->form;
    uint64_t left = record->bytes;
    if ((form != JOURNAL_FORM_PLAIN && form != JOURNAL_FORM_RICH) ||
        !numbers_fit(record->first, record->count))
        return false;
    for (uint32_t i = 0; i < record->count; i++) {
        uint64_t bytes = journal_message_bytes(form, payload, left);
        if (bytes == 0)
            return false;
        payload += bytes;
        left -= bytes;
    }
    return left == 0;
}

/* Whether an entry is a possible one. `*below` is the end of the one before it,
 * at first 0, and becomes its own, where entries rise. */

static bool range_is_possible(const union journal_entry *e, uint64_t *below)
{
    const struct journal_range *r = &e->range;
    bool is_possible =
        r->first > *below && numbers_fit(r->first, r->count) && r->zero == 0;
    *below = r->first + r->count;
    return is_possible;
}

static bool channel_is_possible(const union journal_entry *e, uint64_t *below)
{
    const struct journal_channel *c = &e->channel;
    const uint8_t *at = c->done;
    uint64_t done = c->floor;
    (void)below;
    for (uint32_t i = 0; i < c->ranges; i++) {
        union journal_entry range;
        at = journal_get(JOURNAL_ACKS, &range, at);
        if (!range_is_possible(&range, &done))
            return false;
    }
    const uint8_t *name_end = c->name + c->name_bytes;
    return c->id > 0 && c->id < JOURNAL_ID_END && c->next <= INT64_MAX &&
           done <= c->next &&
           (c->kind == JOURNAL_QUEUE || c->kind == JOURNAL_TOPIC) &&
           c->zero == 0 && c->also_zero == 0 && c->name_bytes > 0 &&
           c->name_bytes <= JOURNAL_NAME_MAX &&
           journal_is_zero(name_end, (size_t)(c->done - name_end));
}

static bool segment_is_possible(const union journal_entry *e, uint64_t *below)
{
    bool is_possible = e->segment.id > *below;
    *below = e->segment.id;
    return is_possible;
}

static bool freed_is_possible(const union journal_entry *e, uint64_t *below)
{
    (void)below;
    return e->freed > 0;
}

static bool index_is_possible(const union journal_entry *e, uint64_t *below)
{
    const struct journal_index_entry *i = &e->index;
    (void)below;
    return i->channel > 0 && numbers_fit(i->first, i->count) && i->zero == 0;
}

static bool numbers_are_possible(const union journal_entry *e, uint64_t *below)
{
    (void)below;
    return e->numbers.above <= INT64_MAX && e->numbers.zero == 0;
}

/* The types of records, and the entries in them. */
static const struct type {
    const char *name;
    bool has_channel;
    uint32_t least;     /* entries, or messages */
    size_t bytes;       /* of an entry; 0: they have none */
    const char *widths; /* as in a part */
    bool (*is_possible)(const union journal_entry *e, uint64_t *below);
} types[JOURNAL_TYPES] = {
    [JOURNAL_MESSAGES] = {"MESSAGES", true, 1, 0, "", NULL},
    [JOURNAL_ACKS] = {"ACKS", true, 1, JOURNAL_RANGE, "844", range_is_possible},
    [JOURNAL_CHANNEL] = {"CHANNEL", false, 1, JOURNAL_CHANNEL_ENTRY, "88441124",
                         channel_is_possible},
    [JOURNAL_DROP] = {"DROP", true, 0, 0, "", NULL},
    [JOURNAL_TRIM] = {"TRIM", true, 0, 0, "", NULL},
    [JOURNAL_SEGMENTS] = {"SEGMENTS", false, 0, JOURNAL_SEGMENT_ENTRY, "888",
                          segment_is_possible},
    [JOURNAL_FREE] = {"FREE", false, 1, JOURNAL_FREE_ENTRY, "8",
                      freed_is_possible},
    [JOURNAL_INDEX] = {"INDEX", false, 0, JOURNAL_INDEX_ENTRY, "844441124",
                       index_is_possible},
    [JOURNAL_NUMBERS] = {"NUMBERS", false, 1, JOURNAL_NUMBERS_ENTRY, "844",
                         numbers_are_possible},
};

static const struct type *type_find(uint8_t type)
{
    return type < JOURNAL_TYPES && types[type].name ? &types[type] : NULL;
}

const char *journal_type_name(uint8_t type)
{
    return type_find(type) ? types[type].name : "unknown";
}

uint64_t journal_channel_bytes(const struct journal_channel *channel)
{
    return JOURNAL_CHANNEL_ENTRY + journal_padded(channel->name_bytes) +
           (uint64_t)channel->ranges * JOURNAL_RANGE;
}

/* Reads the fields of an entry; returns the bytes of all of it. */
static uint64_t entry_load(enum journal_type type, union journal_entry *entry,
                           const uint8_t *bytes)
{
    memcpy(entry, bytes, types[type].bytes);
    order(entry, types[type].widths);
    return type == JOURNAL_CHANNEL ? journal_channel_bytes(&entry->channel)
                                   : types[type].bytes;
}

uint8_t *journal_put(enum journal_type type, uint8_t *out,
                     const union journal_entry *entry)
{
    memcpy(out, entry, types[type].bytes);
    order(out, types[type].widths);
    out += types[type].bytes;
    if (type != JOURNAL_CHANNEL)
        return out;
    size_t room = (size_t)journal_padded(entry->channel.name_bytes);
    memset(out, 0, room);
    memcpy(out, entry->channel.name, entry->channel.name_bytes);
    return out + room;
}

const uint8_t *journal_get(enum journal_type type, union journal_entry *entry,
                           const uint8_t *bytes)
{
    uint64_t whole = entry_load(type, entry, bytes);
    if (type == JOURNAL_CHANNEL) {
        struct journal_channel *c = &entry->channel;
        c->name = bytes + JOURNAL_CHANNEL_ENTRY;
        c->done = c->name + journal_padded(c->name_bytes);
    }
    return bytes + whole;
}

static bool check_entries(const struct journal_record *record,
                          const uint8_t *payload)
{
    const struct type *type = &types[record->type];
    uint64_t left = record->bytes, below = 0;
    for (uint32_t i = 0; i < record->count && type->bytes > 0; i++) {
        union journal_entry e;
        if (left < type->bytes || entry_load(record->type, &e, payload) > left)
            return false;
        const uint8_t *end = journal_get(record->type, &e, payload);
        if (!type->is_possible(&e, &below))
            return false;
        left -= (uint64_t)(end - payload);
        payload = end;
    }
    return left == 0;
}

enum journal_fault journal_check(const struct journal_record *record,
                                 const uint8_t *payload)
{
    const struct type *type = type_find(record->type);
    if (!type)
        return JOURNAL_SOUND;
    bool is_possible =
        (!type->has_channel || record->channel > 0) &&
        record->count >= type->least && record->first <= INT64_MAX &&
        (record->type == JOURNAL_MESSAGES ? check_messages(record, payload)
                                          : check_entries(record, payload));
    return is_possible ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}
