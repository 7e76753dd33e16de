/* SPDX-License-Identifier: MIT
 *
 * Any folder can be opened as a store, or is refused with a reason; what opens
 * can be read, written to and opened again. Checksums are right where the input
 * does not say otherwise, so that what no writer makes is reached behind them.
 *
 *     input   FORMAT: 0 none, 1 a sound one, 2 bytes
 *             files: how many; of each: id, id in its header, first batch,
 *             batches, seal: 0 none, 1 and its index (u16, times 8)
 *     batch   flags, number above the one before it, records, kind: 0 sound,
 *             1 without a trailer
 *     record  type, flags, form, channel, count (u16), first (u16), length (u8)
 *             and so many bytes
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>

#include "broker/store/engine.h"
#include "proto/crc32c.h"
#include "proto/journal.h"
#include "tests/store/orders.h"
#include "tests/store/sim_disk.h"

enum {
    SEGMENT = 8192,
    FILES = 4,
    BATCHES = 6,
    RECORDS = 4,
    READ_BYTES = 4096,
    STEPS = 20,
};

static const uint8_t uuid[JOURNAL_UUID];

/* A file that is being put together. */
struct image {
    uint8_t bytes[SEGMENT];
    size_t end;
    uint32_t seed;
    uint64_t number; /* of the next batch */
};

static uint16_t script_u16(struct script *s)
{
    uint16_t high = script_byte(s);
    return (uint16_t)(high << 8 | script_byte(s));
}

static void put_format(struct sim_disk *disk, struct script *s)
{
    static const char sound[] =
        "sluice journal 1\nuuid 00000000000000000000000000000000\n";
    size_t n = 0;
    uint8_t kind = script_byte(s) % 3;
    if (kind == 1)
        sim_disk_put(disk, "FORMAT", sound, sizeof sound - 1);
    if (kind != 2)
        return;
    const uint8_t *bytes = script_bytes(s, script_byte(s), &n);
    sim_disk_put(disk, "FORMAT", bytes, n);
}

/* Adds a record; the checksum of its header is added to *sum. */
static void put_record(struct image *i, struct script *s, uint32_t *sum)
{
    size_t n = 0;
    struct journal_record record = {.type = script_byte(s),
                                    .flags = script_byte(s),
                                    .form = script_byte(s),
                                    .channel = script_byte(s),
                                    .count = script_u16(s),
                                    .first = script_u16(s)};
    const uint8_t *payload = script_bytes(s, script_byte(s), &n);
    record.bytes = (uint32_t)n;
    record.checksum = crc32c(i->seed, payload, n);
    if (i->end + JOURNAL_RECORD_HEADER + journal_padded(n) +
            JOURNAL_BATCH_TRAILER + JOURNAL_SEAL >
        SEGMENT)
        return;
    uint8_t *at = i->bytes + i->end;
    journal_put_record(at, i->seed, &record);
    *sum = crc32c(*sum, at, JOURNAL_RECORD_HEADER);
    if (n > 0)
        memcpy(at + JOURNAL_RECORD_HEADER, payload, n);
    i->end += JOURNAL_RECORD_HEADER + (size_t)journal_padded(n);
}

static void put_batch(struct image *i, struct script *s)
{
    size_t begin = i->end;
    uint32_t sum = i->seed;
    struct journal_batch batch = {
        .flags = script_byte(s) & JOURNAL_BATCH_FLAGS,
        .number = i->number + script_byte(s),
        .records = script_byte(s) % RECORDS,
    };
    bool is_torn = script_byte(s) % 8 == 1;
    if (begin + JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER + JOURNAL_SEAL >
        SEGMENT)
        return;
    i->end += JOURNAL_BATCH_HEADER;
    for (uint32_t k = 0; k < batch.records; k++)
        put_record(i, s, &sum);
    if (!is_torn)
        journal_put_trailer(i->bytes + i->end, sum, batch.number);
    i->end += JOURNAL_BATCH_TRAILER;
    batch.bytes = i->end - begin;
    journal_put_batch(i->bytes + begin, i->seed, &batch);
    i->end = (size_t)journal_batch_end(&batch, begin);
    i->number = batch.number + 1;
}

static void put_file(struct sim_disk *disk, struct script *s)
{
    struct image i = {.end = JOURNAL_SEGMENT_HEADER};
    char name[] = "0000000000000001.seg";
    name[15] = (char)('0' + script_byte(s) % 8);
    struct journal_segment head = {
        .id = 1 + script_byte(s) % 8,
        .file_bytes = SEGMENT,
        .first_batch = script_byte(s),
    };
    memcpy(head.uuid, uuid, sizeof uuid);
    journal_put_segment(i.bytes, &head);
    i.seed = journal_seed(&head);
    i.number = head.first_batch;
    for (uint8_t n = script_byte(s) % BATCHES; n > 0 && i.end < SEGMENT; n--)
        put_batch(&i, s);
    if (script_byte(s) % 2)
        journal_put_seal(i.bytes + SEGMENT - JOURNAL_SEAL, i.seed, head.id,
                         8 * (uint64_t)script_u16(s));
    sim_disk_put(disk, name, i.bytes, SEGMENT);
}

/* Reads all that a channel says it has. */
static bool read_channel(void *arg, const struct store_channel *channel)
{
    uint8_t bytes[READ_BYTES];
    struct block block = {.refs = 1, .capacity = READ_BYTES, .bytes = bytes};
    struct store_read read = {
        .channel = channel->id, .from = channel->floor, .end = channel->next};
    FUZZ_CHECK(channel->floor <= channel->next);
    for (int i = 0; i < STEPS && read.from < read.end; i++) {
        block.used = 0;
        read.into = &block;
        read.run_count = read.needs = 0;
        read.damaged = 0;
        (void)engine_read(arg, &read);
        FUZZ_CHECK(read.next <= read.end && block.used <= READ_BYTES);
        if (read.needs > 0 || read.next == read.from)
            break;
        read.from = read.next;
    }
    return true;
}

/* Opens it and asks for a little of everything; whether it has opened. */
static bool use(struct sim_disk *disk)
{
    struct engine_setup setup = {.disk = sim_disk_calls(disk),
                                 .segment_bytes = SEGMENT,
                                 .limit_bytes = 16 * SEGMENT};
    struct engine_report report;
    struct engine *e = engine_open(&setup, 1, &report);
    if (!e) {
        FUZZ_CHECK(report.why.text[0]);
        FUZZ_CHECK(sim_disk_open_files(disk) == 0);
        return false;
    }
    (void)engine_visit_channels(e, read_channel, e);
    struct engine_numbers numbers = engine_numbers(e);
    if (numbers.next_channel != JOURNAL_ID_END)
        (void)engine_open_channel(e, numbers.next_channel,
                                  (const uint8_t *)"new", 3, numbers.above + 1);
    (void)engine_ack(e, 1, 1, 3);
    (void)engine_drop_channel(e, 3);
    for (uint64_t i = 0; i < STEPS && engine_need(e) != ENGINE_NOTHING; i++)
        (void)engine_step(e, i);
    (void)engine_visit_channels(e, read_channel, e);
    FUZZ_CHECK(engine_close(e, 1) || true);
    FUZZ_CHECK(sim_disk_open_files(disk) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script s = {bytes, n};
    struct sim_disk *disk = sim_disk_new(64 * SEGMENT, 1);
    put_format(disk, &s);
    for (uint8_t files = script_byte(&s) % FILES; files > 0; files--)
        put_file(disk, &s);
    if (use(disk))
        FUZZ_CHECK(use(disk)); /* it leaves what can be opened */
    sim_disk_free(disk);
    return 0;
}
