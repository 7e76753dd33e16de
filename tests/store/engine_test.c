/* SPDX-License-Identifier: MIT
 *
 * The engine of a store, on a disk in memory: what is confirmed is there after
 * closing and after a kill, and segments come and go.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store/engine.h"
#include "proto/frame.h"
#include "tests/store/orders.h"
#include "tests/store/sim_disk.h"

enum { SEGMENT = 32 << 10, BODY_MAX = 4096, SINK = 64 << 10 };

struct rig {
    struct sim_disk *disk;
    struct engine *engine;
    struct engine_report report;
    struct engine_setup setup;
    uint64_t next; /* number of the next message of channel 1 */
    /* The slices of the puts that are not reaped. */
    struct block blocks[ENGINE_PUTS];
    int block_count;
    uint64_t reaped; /* messages */
};

static void rig_open(struct rig *r)
{
    r->setup.disk = sim_disk_calls(r->disk);
    r->setup.random[16]++;
    r->engine = engine_open(&r->setup, 1, &r->report);
    if (!r->engine)
        fail_msg("not opened: %s", r->report.why.text);
}

static void rig_forget(struct rig *r)
{
    for (int i = 0; i < r->block_count; i++)
        free(r->blocks[i].bytes);
    r->block_count = 0;
}

static void rig_kill(struct rig *r)
{
    engine_abandon(r->engine);
    r->engine = NULL;
    rig_forget(r);
    sim_disk_kill(r->disk);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    r->disk = sim_disk_new(64 << 20, 1);
    r->setup.segment_bytes = SEGMENT;
    r->setup.limit_bytes = 64 * SEGMENT;
    r->next = 1;
    rig_open(r);
    assert_true(
        engine_open_channel(r->engine, 1, (const uint8_t *)"/queue/a", 8, 1));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    if (r->engine)
        engine_abandon(r->engine);
    rig_forget(r);
    assert_int_equal(sim_disk_open_files(r->disk), 0);
    sim_disk_free(r->disk);
    free(r);
    return 0;
}

/* The body of a message says its number. */
static uint32_t body_of(uint64_t number, uint32_t length, uint8_t *body)
{
    for (uint32_t i = 0; i < length; i++)
        body[i] = (uint8_t)(number * 31 + i);
    return length;
}

static uint32_t length_of(uint64_t number, uint32_t size)
{
    return size + (uint32_t)(number * 7 % 50);
}

/* A slice of `count` messages of channel 1, each with a text if `text`. */
static struct store_put slice_of(struct rig *r, int count, uint32_t size,
                                 const char *text)
{
    struct block *b = &r->blocks[r->block_count++];
    uint32_t text_length = text ? (uint32_t)strlen(text) : 0;
    *b = (struct block){.refs = 1};
    b->bytes = malloc((size_t)count * (size + 64) + text_length + 2);
    if (text) {
        uint16_t n = (uint16_t)text_length;
        memcpy(b->bytes, text, n);
        memcpy(b->bytes + n, &n, sizeof n);
        b->used = n + 2u;
    }
    struct store_put put = {.channel = 1,
                            .slice = {.block = b,
                                      .offset = b->used,
                                      .messages = (uint16_t)count,
                                      .has_text = text,
                                      .first = r->next}};
    for (int i = 0; i < count; i++, r->next++) {
        uint32_t length = length_of(r->next, size);
        frame_put_length(b->bytes + b->used, length);
        b->used += 4 + body_of(r->next, length, b->bytes + b->used + 4);
    }
    put.slice.length = b->used - put.slice.offset;
    return put;
}

static void reap(struct rig *r)
{
    struct store_put puts[64];
    int n;
    while ((n = engine_reap(r->engine, puts, 64)) > 0)
        for (int i = 0; i < n; i++)
            r->reaped += puts[i].slice.messages;
    rig_forget(r);
}

/* Publishes and waits until it is on disk. */
static void publish(struct rig *r, int count, uint32_t size)
{
    struct store_put put = slice_of(r, count, size, NULL);
    assert_true(engine_put(r->engine, &put));
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    reap(r);
}

/* Reads channel 1 from `from` on to its end and compares each message; returns
 * how many there were. */
static uint64_t read_all(struct rig *r, uint64_t from, uint32_t size,
                         const char *text)
{
    uint8_t bytes[SINK], body[BODY_MAX];
    struct block into = {.refs = 1, .capacity = SINK, .bytes = bytes};
    struct store_read read = {
        .channel = 1, .from = from, .end = r->next, .into = &into};
    uint64_t count = 0;
    do {
        into.used = 0;
        (void)engine_read(r->engine, &read);
        for (uint32_t i = 0; i < read.run_count; i++) {
            struct slice *s = &read.runs[i];
            const uint8_t *p = slice_bytes(s), *got;
            uint32_t length = slice_text(s, &got);
            assert_int_equal(length, text ? strlen(text) : 0);
            assert_memory_equal(text ? text : "", length ? (void *)got : "",
                                length);
            for (uint16_t k = 0; k < s->messages; k++, count++) {
                length = length_of(s->first + k, size);
                assert_int_equal(frame_get_length(p), length);
                (void)body_of(s->first + k, length, body);
                assert_memory_equal(p + 4, body, length);
                p += 4 + length;
            }
            assert_ptr_equal(p, slice_bytes(s) + s->length);
        }
        assert_int_equal(read.damaged, 0);
        assert_int_equal(read.needs, 0);
        assert_true(read.next > read.from);
        read.from = read.next;
    } while (read.from < r->next);
    return count;
}

static void what_is_on_disk_is_there_after_a_kill(void **state)
{
    struct rig *r = *state;
    publish(r, 10, 100);
    publish(r, 5, 100);
    assert_int_equal(r->reaped, 15);
    for (int i = 0; i < 3; i++) {
        rig_kill(r);
        rig_open(r);
        assert_int_equal(r->report.messages, 15);
        assert_int_equal(read_all(r, 1, 100, NULL), 15);
        assert_int_equal(engine_numbers(r->engine).next_channel, 2);
    }
}

static void a_store_that_was_closed_is_read_by_its_indexes(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 20; i++)
        publish(r, 10, 1000);
    assert_true(engine_close(r->engine, 3));
    sim_disk_kill(r->disk);
    rig_open(r);
    assert_int_equal(r->report.messages, 200);
    assert_int_equal(read_all(r, 1, 1000, NULL), 200);
}

static void acknowledged_messages_are_gone_and_stay_so(void **state)
{
    struct rig *r = *state;
    publish(r, 100, 100);
    assert_true(engine_ack(r->engine, 1, 1, 10));
    assert_true(engine_ack(r->engine, 1, 21, 30));
    assert_int_equal(read_all(r, 1, 100, NULL), 60);
    assert_int_equal(engine_need(r->engine), ENGINE_LATER);
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    assert_int_equal(engine_need(r->engine), ENGINE_NOTHING);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, 60);
    assert_int_equal(read_all(r, 1, 100, NULL), 60);
}

/* Each gap between acknowledged messages costs STATE a range. */
static void gaps_between_acknowledgements_have_a_bound(void **state)
{
    struct rig *r = *state;
    enum { COUNT = 4000, MOST = SEGMENT / 4 / 16 };
    for (int i = 0; i < COUNT; i += 100)
        publish(r, 100, 10);
    for (uint64_t n = 2; n <= COUNT; n += 2)
        assert_true(engine_ack(r->engine, 1, n, 1));
    assert_int_equal(engine_stats(r->engine).late_acks, COUNT / 2 - MOST);
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, COUNT - MOST);
    for (uint64_t n = 2; n <= COUNT; n += 2)
        assert_true(engine_ack(r->engine, 1, n, 1));
    for (uint64_t n = 3; n <= COUNT; n += 2)
        assert_true(engine_ack(r->engine, 1, n, 1));
    assert_int_equal(engine_stats(r->engine).late_acks, 0);
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, 1);
}

static void texts_come_back_with_their_messages(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 10; i++) {
        struct store_put put = slice_of(r, 1, 200, "trace=7 kind=x");
        assert_true(engine_put(r->engine, &put));
    }
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    reap(r);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(read_all(r, 1, 200, "trace=7 kind=x"), 10);
}

static void segments_are_freed_and_used_again(void **state)
{
    struct rig *r = *state;
    struct engine_stats stats;
    for (int i = 0; i < 2000; i++) {
        publish(r, 10, 200);
        assert_true(engine_ack(r->engine, 1, r->next - 10, 10));
    }
    stats = engine_stats(r->engine);
    assert_true(stats.written_bytes > 100 * SEGMENT);
    assert_true(stats.segments <= 3);
    assert_true(stats.file_bytes <= 9 * SEGMENT);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, 10);
}

static void one_old_message_does_not_keep_a_segment(void **state)
{
    struct rig *r = *state;
    struct engine_stats stats;
    uint64_t kept = 0;
    for (int i = 0; i < 1000; i++) {
        publish(r, 10, 200);
        assert_true(engine_ack(r->engine, 1, r->next - 10, i % 10 ? 10 : 9));
        kept += i % 10 == 0;
    }
    for (int i = 0; i < 1000 && engine_need(r->engine) != ENGINE_NOTHING; i++)
        assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    stats = engine_stats(r->engine);
    assert_true(stats.moved_bytes > 0);
    assert_true((stats.segments - 1) * (uint64_t)SEGMENT <=
                2 * stats.live_bytes + 4 * SEGMENT);
    assert_int_equal(read_all(r, 1, 200, NULL), kept);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, kept);
    assert_int_equal(read_all(r, 1, 200, NULL), kept);
}

/* Publishes until the store is full. */
static void fill(struct rig *r)
{
    bool is_full = false;
    while (!is_full) {
        struct store_put put = slice_of(r, 1, 1000, NULL);
        assert_true(engine_put(r->engine, &put));
        is_full = engine_step(r->engine, 2) == STORE_FULL;
        reap(r);
    }
    /* What the engine has taken and could not write: it is known to be full
     * before. */
    struct store_put back;
    assert_int_equal(engine_take_back(r->engine, &back, 1), 0);
}

/* Every segment keeps some messages, so only compaction gives space back, and
 * that needs space itself. */
static void a_full_store_is_compacted_by_its_reserve(void **state)
{
    struct rig *r = *state;
    uint64_t kept = 0;
    fill(r);
    for (uint64_t n = 1; n < r->next; n++)
        if (n % 10 > 0)
            assert_true(engine_ack(r->engine, 1, n, 1));
        else
            kept++;
    for (int i = 0; i < 1000 && engine_need(r->engine) != ENGINE_NOTHING; i++)
        (void)engine_step(r->engine, 2);
    struct engine_stats stats = engine_stats(r->engine);
    assert_true(stats.file_bytes <= 2 * stats.live_bytes + 10 * SEGMENT);
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    assert_int_equal(read_all(r, 1, 1000, NULL), kept);
    publish(r, 10, 1000);
}

static void a_full_store_takes_acknowledgements_and_opens_again(void **state)
{
    struct rig *r = *state;
    fill(r);
    uint64_t count = r->next - 1;
    assert_true(count > 1000);
    for (uint64_t n = 1; n < r->next; n += 2) {
        assert_true(engine_ack(r->engine, 1, n, 1));
        (void)engine_step(r->engine, 2);
    }
    for (uint64_t n = 2; n < r->next; n += 2) {
        assert_true(engine_ack(r->engine, 1, n, 1));
        (void)engine_step(r->engine, 2);
    }
    (void)engine_step(r->engine, 2);
    assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    publish(r, 10, 1000);
    assert_int_equal(read_all(r, 1, 1000, NULL), 10);
}

/* There are no segments but the newest one and the reserve, and never more. */
static void a_full_store_of_one_segment_opens_again(void **state)
{
    struct rig *r = *state;
    sim_disk_set_capacity(r->disk, sim_disk_used(r->disk));
    for (int i = 0; i < 5; i++) {
        uint64_t first = r->next;
        fill(r);
        assert_true(r->next - first > 10);
        assert_int_equal(engine_step(r->engine, 2), STORE_FULL);
        assert_true(
            engine_ack(r->engine, 1, first, (uint32_t)(r->next - first)));
        (void)engine_step(r->engine, 2);
        assert_int_equal(engine_step(r->engine, 2), STORE_OPEN);
    }
    publish(r, 10, 1000);
    assert_int_equal(read_all(r, 1, 1000, NULL), 10);
    rig_kill(r);
    rig_open(r);
    assert_int_equal(r->report.messages, 10);
}

/* Opens a copy of the disk, where all fails from the n-th change on; then the
 * process or the power ends, and all is there. Whether it came to that change.
 */
static bool open_until(struct rig *r, uint64_t change, uint64_t messages,
                       void (*end)(struct sim_disk *disk))
{
    struct sim_disk *whole = r->disk;
    r->disk = sim_disk_copy(whole, change);
    r->setup.disk = sim_disk_calls(r->disk);
    sim_disk_stop_at(r->disk, change);
    r->engine = engine_open(&r->setup, 1, &r->report);
    bool has_stopped = sim_disk_has_stopped(r->disk);
    assert_true(has_stopped || r->engine);
    if (r->engine)
        engine_abandon(r->engine);
    end(r->disk);
    rig_open(r);
    assert_int_equal(r->report.messages, messages);
    assert_int_equal(read_all(r, 1, 1000, NULL), messages);
    rig_kill(r);
    sim_disk_free(r->disk);
    r->disk = whole;
    return has_stopped;
}

/* The newest segment has no seal, its last batch has messages, and all spares
 * have the size of another time. */
static void an_opening_that_ends_at_any_step_is_begun_again(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 20; i++)
        publish(r, 10, 1000);
    assert_true(engine_ack(r->engine, 1, 1, 100));
    assert_true(engine_ack(r->engine, 1, 120, 20));
    publish(r, 10, 1000);
    rig_kill(r);
    for (char name[] = "spare-0.seg"; name[6] < '6'; name[6]++)
        sim_disk_put(r->disk, name, "short", 5);
    uint64_t kills = 0, cuts = 0;
    while (open_until(r, kills + 1, 90, sim_disk_kill))
        kills++;
    while (open_until(r, cuts + 1, 90, sim_disk_cut))
        cuts++;
    assert_true(kills > 12 && cuts == kills);
}

/* Its records are about as long as what is read at once, and it is read in
 * smaller pieces than they. */
static void a_backlog_is_read_from_disk_once(void **state)
{
    struct rig *r = *state;
    engine_abandon(r->engine);
    r->setup.segment_bytes = 4 << 20;
    r->setup.limit_bytes = 8 * r->setup.segment_bytes;
    rig_open(r);
    assert_true(
        engine_open_channel(r->engine, 1, (const uint8_t *)"/queue/a", 8, 1));
    for (int i = 0; i < 40; i++)
        publish(r, 200, 1000);
    assert_int_equal(read_all(r, 1, 1000, NULL), 8000);
    struct engine_stats stats = engine_stats(r->engine);
    assert_in_range(stats.read_bytes, 8000 * 1000,
                    stats.written_bytes + (256 << 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_opening_that_ends_at_any_step_is_begun_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backlog_is_read_from_disk_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_on_disk_is_there_after_a_kill,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_store_that_was_closed_is_read_by_its_indexes, setup, teardown),
        cmocka_unit_test_setup_teardown(
            acknowledged_messages_are_gone_and_stay_so, setup, teardown),
        cmocka_unit_test_setup_teardown(
            gaps_between_acknowledgements_have_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_come_back_with_their_messages,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(segments_are_freed_and_used_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_old_message_does_not_keep_a_segment,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_full_store_is_compacted_by_its_reserve, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_full_store_takes_acknowledgements_and_opens_again, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_full_store_of_one_segment_opens_again,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
