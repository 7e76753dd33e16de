/* SPDX-License-Identifier: MIT
 *
 * The room that a store says it has, on a disk in memory that somebody else
 * fills to the last byte: what is put within it is written, whatever happens,
 * and what is larger than it may be is not.
 */
#include "broker/store/engine.h"

#include <stdlib.h>

#include "proto/frame.h"
#include "tests/store/orders.h"
#include "tests/store/sim_disk.h"
#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

enum {
    SEGMENT = 64 << 10,
    DISK = 16 * SEGMENT,
    SMALL = 300,
    LARGE = 20000,
    PUTS = 1024,
    ROUNDS = 200,
};

struct rig {
    struct sim_disk *disk;
    struct engine *engine;
    uint64_t random;
    uint64_t first, next; /* messages of channel 1 that are not acknowledged */
    struct block blocks[PUTS]; /* of what is put and not reaped, a ring */
    uint32_t put, reaped;
    uint64_t pending; /* what that takes of the room */
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct engine_setup setup = {
        .segment_bytes = SEGMENT, .limit_bytes = 2 * DISK, .random = {1}};
    struct engine_report report;
    r->disk = sim_disk_new(DISK, 1);
    r->random = 1;
    r->first = r->next = 1;
    setup.disk = sim_disk_calls(r->disk);
    r->engine = engine_open(&setup, 1, &report);
    assert_non_null(r->engine);
    assert_true(engine_open_channel(r->engine, 1, "/queue/a", 8, 1));
    *state = r;
    return 0;
}

static void forget(struct rig *r, uint32_t puts)
{
    for (; puts > 0; puts--)
        free(r->blocks[r->reaped++ % PUTS].bytes);
}

static int teardown(void **state)
{
    struct rig *r = *state;
    engine_abandon(r->engine);
    forget(r, r->put - r->reaped);
    sim_disk_free(r->disk);
    free(r);
    return 0;
}

/* One message, which is `bytes` long. */
static void put(struct rig *r, uint32_t bytes)
{
    struct block *b = &r->blocks[r->put++ % PUTS];
    *b = (struct block){.refs = 1, .used = bytes, .bytes = calloc(1, bytes)};
    frame_put_length(b->bytes, bytes - FRAME_HEAD_BYTES);
    const struct store_put one = {
        .channel = 1,
        .slice = {
            .block = b, .length = bytes, .messages = 1, .first = r->next++}};
    assert_true(engine_put(r->engine, &one));
    r->pending += bytes + STORE_PUT_BYTES;
}

static enum store_state step(struct rig *r)
{
    struct store_put puts[PUTS];
    enum store_state state = engine_step(r->engine, 2);
    int n = engine_reap(r->engine, puts, PUTS);
    for (int i = 0; i < n; i++)
        r->pending -= puts[i].slice.length + STORE_PUT_BYTES;
    forget(r, (uint32_t)n);
    return state;
}

static bool has_room(const struct rig *r, uint32_t bytes)
{
    return r->put - r->reaped < PUTS &&
           r->pending + bytes + STORE_PUT_BYTES <= engine_room(r->engine).bytes;
}

/* Messages of any size within the room, steps and acknowledgements as they
 * come, until nothing more is sure of its space; then all of it is there. */
static void publish_within_room(struct rig *r, uint32_t size_max)
{
    for (int misses = 0; misses < 20;) {
        uint32_t bytes = 8 + chance_of(&r->random, size_max);
        if (has_room(r, bytes))
            put(r, bytes);
        else
            misses++;
        if (chance_of(&r->random, 8) == 0)
            (void)step(r);
        if (chance_of(&r->random, 40) == 0 && r->put == r->reaped)
            assert_true(engine_ack(r->engine, 1, r->next - 1, 1));
    }
    (void)step(r);
    (void)step(r);
    assert_int_equal(r->pending, 0);
}

static void acknowledge_all(struct rig *r)
{
    assert_true(
        engine_ack(r->engine, 1, r->first, (uint32_t)(r->next - r->first)));
    r->first = r->next;
    for (int i = 0; i < 20; i++)
        (void)step(r);
    assert_int_equal(engine_state(r->engine), STORE_OPEN);
}

static void what_there_is_room_for_is_written_on_a_full_disk(void **state)
{
    struct rig *r = *state;
    uint64_t fulls = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t some = chance_of(&r->random, 3 * SEGMENT);
        for (uint64_t sum = 0; sum < some; sum += SMALL) {
            put(r, SMALL);
            assert_int_equal(step(r), STORE_OPEN);
        }
        sim_disk_set_capacity(r->disk, sim_disk_used(r->disk));
        publish_within_room(r, i % 2 ? SMALL : LARGE);
        fulls += engine_state(r->engine) == STORE_FULL;
        sim_disk_set_capacity(r->disk, DISK);
        acknowledge_all(r);
    }
    assert_true(fulls > ROUNDS / 4);
}

/* Nothing is put for which it has to be full. */
static void a_store_without_room_is_full_before_a_message_waits(void **state)
{
    struct rig *r = *state;
    while (engine_state(r->engine) == STORE_OPEN && has_room(r, SMALL)) {
        put(r, SMALL);
        (void)step(r);
        assert_int_equal(r->pending, 0);
    }
    assert_int_equal(engine_state(r->engine), STORE_FULL);
    assert_int_equal(engine_room(r->engine).bytes, 0);
    assert_true(r->next > DISK / 2 / SMALL);
}

static void a_message_that_is_too_large_is_known_before(void **state)
{
    struct rig *r = *state;
    uint64_t most = engine_room(r->engine).most;
    assert_in_range(most, 8 * SEGMENT, DISK);
    put(r, (uint32_t)most / 2);
    assert_int_equal(step(r), STORE_OPEN);
    assert_int_equal(r->pending, 0);
    sim_disk_set_capacity(r->disk, sim_disk_used(r->disk));
    put(r, SMALL);
    assert_int_equal(step(r), STORE_OPEN);
    most = engine_room(r->engine).most;
    assert_in_range(most, SMALL, SEGMENT);
    put(r, SEGMENT);
    assert_int_equal(step(r), STORE_FULL);
    assert_true(r->pending > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_there_is_room_for_is_written_on_a_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_store_without_room_is_full_before_a_message_waits, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_message_that_is_too_large_is_known_before, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
