/* SPDX-License-Identifier: MIT
 *
 * A channel exists while it has a subscriber or holds a message, costs nothing
 * afterwards, and holds no more memory than the messages still owed to clients.
 */
#include "broker/core/channel.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct reader reader;
};

static int open_core(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    subscriber_init(&f.reader.sub);
    *state = &f;
    return 0;
}

static int close_core(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->reader);
    rig_close(&f->rig);
    return 0;
}

static void test_topic_goes_with_its_last_subscriber(void **state)
{
    struct fixture *f = *state;
    struct reader other;
    reader_open(&f->rig, &f->reader, "t", 0);
    reader_open(&f->rig, &other, "t", 0);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 1);
    assert_int_equal(rig_count(&f->rig, COUNT_subscribers), 2);
    uint64_t epoch = f->rig.core.directory.epoch;
    reader_close(&f->rig, &other);
    assert_non_null(rig_find(&f->rig, "t"));
    assert_int_equal(f->rig.core.directory.epoch, epoch);
    reader_close(&f->rig, &f->reader);
    assert_null(rig_find(&f->rig, "t"));
    assert_int_not_equal(f->rig.core.directory.epoch, epoch);
}

static void test_queue_goes_with_its_last_message(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue", "a");
    assert_non_null(rig_find(&f->rig, "/queue"));
    reader_open(&f->rig, &f->reader, "/queue", UINT64_MAX);
    rig_turn(&f->rig);
    reader_close(&f->rig, &f->reader);
    assert_null(rig_find(&f->rig, "/queue"));
}

static void test_queue_survives_its_consumers(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "/queue", 0);
    rig_post(&f->rig, "/queue", "a");
    reader_close(&f->rig, &f->reader);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 1);
}

static void test_null_and_sys_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "/sys/clients", UINT64_MAX);
    rig_post(&f->rig, "/sys/clients", "a b");
    rig_post(&f->rig, "/null", "c d e");
    assert_string_equal(reader_words(&f->reader), "");
    assert_int_equal(rig_count(&f->rig, COUNT_discarded_sys), 2);
    assert_int_equal(rig_count(&f->rig, COUNT_discarded_null), 3);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 1);
}

/* A caller that looked it up in this turn may go on using it. */
static void test_unused_channel_stays_until_the_turn_ends(void **state)
{
    struct fixture *f = *state;
    struct channel_ref ref;
    reader_open(&f->rig, &f->reader, "t", 0);
    channel_ref_set(&ref, &f->rig.core, rig_find(&f->rig, "t"));
    subscriber_leave(&f->reader.sub);
    assert_ptr_equal(channel_ref_get(&ref, &f->rig.core),
                     rig_find(&f->rig, "t"));
    rig_turn(&f->rig);
    assert_null(channel_ref_get(&ref, &f->rig.core));
    assert_null(rig_find(&f->rig, "t"));
    assert_false(core_has_work(&f->rig.core));
}

static void test_waiter_keeps_a_channel_until_its_turn(void **state)
{
    struct fixture *f = *state;
    struct publisher p, *out[1];
    publisher_init(&p);
    reader_open(&f->rig, &f->reader, "t", 0);
    gate_close(&rig_find(&f->rig, "t")->gate);
    publisher_wait(&p, rig_find(&f->rig, "t"), false);
    subscriber_leave(&f->reader.sub);
    assert_non_null(rig_find(&f->rig, "t"));
    gate_open(&rig_find(&f->rig, "t")->gate, &f->rig.core.turn.open_gates);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "t"));
    assert_int_equal(rig_resumed(&f->rig, out, 1), 1);
}

static void test_leaving_waiter_takes_the_channel_along(void **state)
{
    struct fixture *f = *state;
    struct publisher p;
    publisher_init(&p);
    reader_open(&f->rig, &f->reader, "t", 0);
    publisher_wait(&p, rig_find(&f->rig, "t"), false);
    subscriber_leave(&f->reader.sub);
    publisher_forget(&p);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "t"));
}

static void test_open_block_shrinks_to_what_is_held(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "t", 0);
    rig_turn(&f->rig);
    uint64_t before = f->rig.budget.used_bytes;
    rig_post(&f->rig, "t", "a");
    uint64_t held = f->rig.budget.used_bytes - before;
    assert_in_range(held, 4, 4 * BLOCK_MIN_BYTES);
    for (int i = 0; i < 50; i++) /* it grows in small steps */
        rig_post(&f->rig, "t", "aaaaaaa");
    assert_in_range(f->rig.budget.used_bytes - before, 500, 3000);
    reader_feed(&f->rig, &f->reader, UINT64_MAX);
    assert_int_equal(f->rig.budget.used_bytes, before);
}

static void test_idle_topic_holds_no_block(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "t", UINT64_MAX);
    rig_turn(&f->rig);
    uint64_t before = f->rig.budget.used_bytes;
    rig_post(&f->rig, "t", "a b c");
    assert_null(rig_find(&f->rig, "t")->open);
    assert_int_equal(f->rig.budget.used_bytes, before);
}

static void test_a_turn_may_fill_many_blocks(void **state)
{
    struct fixture *f = *state;
    enum { N = 5000, BODY = 97 };
    f->rig.rule.client_limit_bytes = 1 << 20;
    reader_open(&f->rig, &f->reader, "t", UINT64_MAX);
    for (uint32_t i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i);
        rig_say_bytes(&f->rig, "t", text, BODY);
    }
    rig_turn(&f->rig);
    assert_int_equal(f->reader.got_bytes, N * (BODY + RIG_HEAD_BYTES));
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(
            atoi((const char *)f->reader.got + i * 100 + RIG_HEAD_BYTES), i);
}

/* Sizes around every edge: of an open block, of a block of its own. */
static const uint32_t sizes[] = {3,     4,     255,   256,    16383,
                                 16384, 16385, 34815, 34816,  34817,
                                 69631, 69632, 69633, 1 << 20};

static void test_any_size_arrives_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.client_limit_bytes = 1 << 30;
    reader_open(&f->rig, &f->reader, "t", UINT64_MAX);
    size_t total = 0;
    for (size_t i = 0; i < UNIT_COUNT(sizes) * 2; i++) {
        uint32_t size = sizes[i % UNIT_COUNT(sizes)];
        rig_say_bytes(&f->rig, "t", "x", size - RIG_HEAD_BYTES);
        rig_say(&f->rig, "t", "y");
        total += size + 4;
    }
    rig_turn(&f->rig);
    assert_int_equal(f->reader.got_bytes, total);
    const char *words = reader_words(&f->reader);
    for (size_t i = 0; i < UNIT_COUNT(sizes) * 2; i++) {
        if (sizes[i % UNIT_COUNT(sizes)] > RIG_HEAD_BYTES)
            assert_int_equal(*words++, 'x');
        while (*words == ' ')
            words++;
        assert_int_equal(*words++, 'y');
        while (*words == ' ')
            words++;
    }
    assert_int_equal(*words, '\0');
}

static void test_block_is_delivered_without_a_copy(void **state)
{
    struct fixture *f = *state;
    static const uint8_t message[] = {5, 0, 0, 'w', 'a', 't', 'e', 'r'};
    reader_open(&f->rig, &f->reader, "t", 0);
    struct block *b = block_new(&f->rig.core.turn.pool, sizeof message);
    memcpy(b->bytes, message, sizeof message);
    b->used = sizeof message;
    rig_say(&f->rig, "t", "before");
    assert_int_equal(channel_publish_block(rig_find(&f->rig, "t"), b),
                     PUBLISH_OK);
    rig_post(&f->rig, "t", "after");
    assert_int_equal(b->refs, 2);
    block_unref(b);
    reader_feed(&f->rig, &f->reader, UINT64_MAX);
    assert_string_equal(reader_words(&f->reader), "before water after");
}

static void test_many_channels_leave_no_memory_behind(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "/queue/%d", i);
        rig_post(&f->rig, name, "a b c");
    }
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 2000);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "/queue/%d", i);
        reader_open(&f->rig, &f->reader, name, UINT64_MAX);
        rig_turn(&f->rig);
        assert_string_equal(reader_words(&f->reader), "a b c");
        reader_close(&f->rig, &f->reader);
    }
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
    assert_true(f->rig.budget.used_bytes < 1000); /* the smallest table */
}

/* In time linear in their number, or stopping would take hours. */
static void test_many_channels_are_purged_in_one_walk(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 200000 };
    for (int i = 0; i < MANY; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "/queue/%d", i);
        assert_non_null(directory_obtain(&f->rig.core.directory,
                                         (uint8_t *)name, (uint32_t)n));
    }
    assert_int_equal(rig_count(&f->rig, COUNT_channels), MANY);
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
}

#define CHANNEL_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, open_core, close_core)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(test_topic_goes_with_its_last_subscriber),
        CHANNEL_TEST(test_queue_goes_with_its_last_message),
        CHANNEL_TEST(test_queue_survives_its_consumers),
        CHANNEL_TEST(test_null_and_sys_lead_nowhere),
        CHANNEL_TEST(test_unused_channel_stays_until_the_turn_ends),
        CHANNEL_TEST(test_waiter_keeps_a_channel_until_its_turn),
        CHANNEL_TEST(test_leaving_waiter_takes_the_channel_along),
        CHANNEL_TEST(test_open_block_shrinks_to_what_is_held),
        CHANNEL_TEST(test_idle_topic_holds_no_block),
        CHANNEL_TEST(test_a_turn_may_fill_many_blocks),
        CHANNEL_TEST(test_any_size_arrives_whole_and_in_order),
        CHANNEL_TEST(test_block_is_delivered_without_a_copy),
        CHANNEL_TEST(test_many_channels_leave_no_memory_behind),
        CHANNEL_TEST(test_many_channels_are_purged_in_one_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
