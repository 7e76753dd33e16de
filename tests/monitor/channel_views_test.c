/* SPDX-License-Identifier: MIT
 *
 * A view shows what waits in a channel, wherever it waits, and for how long.
 */
#include "broker/core/channel_views.h"

#include <string.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { WORD_BYTES = RIG_HEAD_BYTES + 1 };

struct fixture {
    struct rig rig;
    uint32_t channels;
    struct view last;
};

static int open_rig(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    rig_open(&f.rig);
    *state = &f;
    return 0;
}

static int close_rig(void **state)
{
    struct fixture *f = *state;
    rig_close(&f->rig);
    return 0;
}

static void visit(void *arg, const struct view *v)
{
    struct fixture *f = arg;
    f->channels++;
    f->last = *v;
}

static uint64_t look(struct fixture *f, enum view_number number)
{
    f->channels = 0;
    struct map_walk walk = {0};
    while (channel_views_show(&f->rig.core, f->rig.core.turn.now, &walk, 1,
                              visit, f))
        continue;
    return f->channels > 0 ? f->last.number[number] : UINT64_MAX;
}

static void test_an_empty_core(void **state)
{
    struct fixture *f = *state;
    look(f, VIEW_IN);
    assert_int_equal(f->channels, 0);
}

static void test_a_queue_that_nobody_takes_from(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue", "a b c");
    rig_wait_ms(&f->rig, 70);
    assert_int_equal(look(f, VIEW_DEPTH), 3);
    assert_int_equal(f->channels, 1);
    assert_string_equal(f->last.kind, "queue");
    assert_int_equal(f->last.name_length, strlen("/queue"));
    assert_memory_equal(f->last.name, "/queue", strlen("/queue"));
    assert_null(f->last.peer);
    assert_int_equal(f->last.number[VIEW_BYTES], 3 * WORD_BYTES);
    assert_int_equal(f->last.number[VIEW_AGE_MS], 70);
    assert_int_equal(f->last.number[VIEW_IN], 3);
    assert_int_equal(f->last.number[VIEW_OUT], 0);
    assert_int_equal(f->last.number[VIEW_SUBSCRIBERS], 0);
    assert_true(f->last.number[VIEW_HELD_BYTES] >= 3 * WORD_BYTES);
}

/* A message given to a consumer also waits, until the kernel has it. */
static void test_a_consumer_that_stalls(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    reader_open(&f->rig, &reader, "/queue", 0);
    rig_post(&f->rig, "/queue", "a b c");
    assert_int_equal(look(f, VIEW_DEPTH), 3);
    assert_int_equal(f->last.number[VIEW_SUBSCRIBERS], 1);
    reader_feed(&f->rig, &reader, 3 * WORD_BYTES);
    assert_int_equal(look(f, VIEW_DEPTH), 0);
    assert_int_equal(f->last.number[VIEW_OUT], 3);
    assert_int_equal(f->last.number[VIEW_AGE_MS], 0);
    reader_close(&f->rig, &reader);
}

static void test_subscribers_of_a_topic_are_summed(void **state)
{
    struct fixture *f = *state;
    struct reader a, b;
    reader_open(&f->rig, &a, "t", 0);
    rig_post(&f->rig, "t", "x");
    rig_wait_ms(&f->rig, 40);
    reader_open(&f->rig, &b, "t", 0);
    rig_post(&f->rig, "t", "y");
    assert_int_equal(look(f, VIEW_DEPTH), 3);
    assert_string_equal(f->last.kind, "topic");
    assert_int_equal(f->last.number[VIEW_SUBSCRIBERS], 2);
    assert_int_equal(f->last.number[VIEW_IN], 2);
    assert_int_equal(f->last.number[VIEW_AGE_MS], 40);
    reader_close(&f->rig, &a);
    reader_close(&f->rig, &b);
}

/* What waits for the oldest is seen, and how many the others are. */
static void
test_as_many_subscribers_are_looked_at_as_a_turn_has_time(void **state)
{
    enum { MORE = 3, ALL = CHANNEL_VIEWS_MEMBERS_MAX + MORE };
    struct fixture *f = *state;
    static struct reader all[ALL];
    for (size_t i = 0; i < CHANNEL_VIEWS_MEMBERS_MAX; i++)
        reader_open(&f->rig, &all[i], "t", 0);
    assert_int_equal(look(f, VIEW_UNSEEN), 0);
    for (size_t i = CHANNEL_VIEWS_MEMBERS_MAX; i < ALL; i++)
        reader_open(&f->rig, &all[i], "t", 0);
    rig_post(&f->rig, "t", "x");
    assert_int_equal(look(f, VIEW_DEPTH), CHANNEL_VIEWS_MEMBERS_MAX);
    assert_int_equal(f->last.number[VIEW_SUBSCRIBERS], ALL);
    assert_int_equal(f->last.number[VIEW_UNSEEN], MORE);
    for (size_t i = 0; i < ALL; i++)
        reader_close(&f->rig, &all[i]);
}

static void test_publishers_that_wait_are_counted(void **state)
{
    struct fixture *f = *state;
    struct publisher publishers[3];
    rig_say_bytes(&f->rig, "/queue", "x", RIG_QUEUE_LIMIT);
    rig_turn(&f->rig);
    assert_int_equal(look(f, VIEW_PAUSED), 0);
    for (size_t i = 0; i < UNIT_COUNT(publishers); i++) {
        publisher_init(&publishers[i]);
        publisher_wait(&publishers[i], rig_find(&f->rig, "/queue"), false);
        assert_int_equal(look(f, VIEW_PAUSED), i + 1);
    }
    for (size_t i = 0; i < UNIT_COUNT(publishers); i++)
        publisher_forget(&publishers[i]);
    assert_int_equal(look(f, VIEW_PAUSED), 0);
}

static void test_what_memory_holds_back_is_seen(void **state)
{
    struct fixture *f = *state;
    f->rig.budget.limit_bytes = 1000000;
    f->rig.rule.limit_bytes = UINT64_MAX / 4;
    rig_post(&f->rig, "/queue", "a");
    assert_int_equal(look(f, VIEW_PRESSED), 0);
    do {
        rig_say_bytes(&f->rig, "/queue", "x", 20000);
        rig_turn(&f->rig);
    } while (!channel_must_wait(rig_find(&f->rig, "/queue")));
    assert_int_equal(look(f, VIEW_PRESSED), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_core),
        TEST(test_a_queue_that_nobody_takes_from),
        TEST(test_a_consumer_that_stalls),
        TEST(test_subscribers_of_a_topic_are_summed),
        TEST(test_as_many_subscribers_are_looked_at_as_a_turn_has_time),
        TEST(test_publishers_that_wait_are_counted),
        TEST(test_what_memory_holds_back_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
