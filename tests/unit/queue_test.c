/* SPDX-License-Identifier: MIT
 *
 * A queue gives every message to one consumer, in turn and in order, takes
 * back what was not wholly taken, and pauses its publishers at its bound.
 */
#include <stdio.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define QUEUE "/queue/q"

enum { SIZE = 20 }; /* of most messages: five fill a prefetch */

/* The allocation of this number from now on fails. 0: none. */
static uint32_t failing;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *__wrap_malloc(size_t n)
{
    return failing > 0 && --failing == 0 ? NULL : __real_malloc(n);
}

struct fixture {
    struct rig rig;
    struct reader a, b, c;
    struct publisher publishers[6];
};

static int open_queue(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    struct reader *readers[] = {&f.a, &f.b, &f.c};
    for (size_t i = 0; i < UNIT_COUNT(readers); i++) {
        *readers[i] = (struct reader){.appetite = 0};
        subscriber_init(&readers[i]->sub);
    }
    for (size_t i = 0; i < UNIT_COUNT(f.publishers); i++)
        publisher_init(&f.publishers[i]);
    *state = &f;
    return 0;
}

static int close_queue(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->a);
    reader_close(&f->rig, &f->b);
    reader_close(&f->rig, &f->c);
    for (size_t i = 0; i < UNIT_COUNT(f->publishers); i++)
        publisher_forget(&f->publishers[i]);
    rig_close(&f->rig);
    return 0;
}

/* Messages "from" to "to", each of SIZE bytes, in one turn. */
static void post(struct fixture *f, int from, int to)
{
    char text[16];
    for (int i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%d", i);
        rig_say_bytes(&f->rig, QUEUE, text, SIZE - RIG_HEAD_BYTES);
    }
    rig_turn(&f->rig);
}

static void join(struct fixture *f, struct reader *reader, uint64_t appetite)
{
    reader_open(&f->rig, reader, QUEUE, appetite);
    rig_turn(&f->rig);
}

static void check_words(struct reader *reader, const char *words)
{
    assert_string_equal(reader_words(reader), words);
}

static void check_held(struct fixture *f, uint64_t messages)
{
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), messages);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_bytes), messages * SIZE);
}

static void test_keeps_messages_until_a_consumer_comes(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 3);
    post(f, 4, 5);
    check_held(f, 5);
    assert_true(core_is_drained(&f->rig.core)); /* as far as can be */
    join(f, &f->a, UINT64_MAX);
    check_words(&f->a, "1 2 3 4 5");
    check_held(f, 0);
}

static void test_round_robin_in_the_order_of_joining(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, UINT64_MAX);
    join(f, &f->b, UINT64_MAX);
    join(f, &f->c, UINT64_MAX);
    post(f, 1, 5);
    check_words(&f->a, "1 4");
    check_words(&f->b, "2 5");
    check_words(&f->c, "3");
    post(f, 6, 7); /* the round goes on where it was */
    check_words(&f->c, "6");
    check_words(&f->a, "7");
}

static void test_who_has_no_room_is_skipped(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    join(f, &f->b, UINT64_MAX);
    post(f, 1, 8); /* a is given three, then only b has room */
    post(f, 9, 14);
    check_words(&f->b, "2 4 6 7 8 9 10 11 12 13 14");
    reader_feed(&f->rig, &f->a, UINT64_MAX);
    check_words(&f->a, "1 3 5");
}

static void test_prefetch_allows_one_message_of_any_size(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    for (int i = 0; i < 2; i++)
        rig_say_bytes(&f->rig, QUEUE, "large", 5 * RIG_PREFETCH);
    rig_turn(&f->rig);
    assert_int_equal(f->a.sub.outbox->messages, 1);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 1);
    reader_feed(&f->rig, &f->a, UINT64_MAX);
    check_words(&f->a, "large large");
}

static void test_back_into_the_round_at_half_its_room(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    post(f, 1, 10);
    assert_int_equal(f->a.sub.outbox->messages, 5);
    reader_feed(&f->rig, &f->a, 47); /* 53 are left, more than half */
    check_held(f, 5);
    reader_feed(&f->rig, &f->a, 1);
    check_held(f, 4); /* 52, what a slice costs, and one more */
    assert_int_equal(f->a.sub.outbox->bytes, 72);
}

static void test_late_consumer_takes_its_place_in_the_round(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, UINT64_MAX);
    join(f, &f->b, UINT64_MAX);
    post(f, 1, 1);
    join(f, &f->c, UINT64_MAX); /* behind b, whose turn it is */
    post(f, 2, 4);
    check_words(&f->b, "2");
    check_words(&f->c, "3");
    check_words(&f->a, "1 4");
}

static void test_what_a_leaver_left_returns_to_the_head(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 30); /* takes one and a half */
    post(f, 1, 9);
    check_held(f, 4);
    reader_close(&f->rig, &f->a);
    check_held(f, 8);
    assert_int_equal(rig_count(&f->rig, COUNT_returned), 4);
    assert_int_equal(rig_count(&f->rig, COUNT_messages_out), 1);
    join(f, &f->b, UINT64_MAX);
    check_words(&f->b, "2 3 4 5 6 7 8 9"); /* the half one whole */
    assert_int_equal(rig_count(&f->rig, COUNT_messages_out), 9);
}

static void test_what_was_wholly_taken_does_not_return(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 2 * SIZE);
    post(f, 1, 3);
    reader_close(&f->rig, &f->a);
    check_held(f, 1);
    join(f, &f->b, UINT64_MAX);
    check_words(&f->b, "3");
}

static void test_leaver_s_share_goes_to_who_is_there(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    join(f, &f->b, UINT64_MAX);
    post(f, 1, 4);
    check_words(&f->b, "2 4");
    reader_close(&f->rig, &f->a);
    check_words(&f->b, "1 3");
}

static void test_slices_from_several_turns_return_in_order(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    for (int i = 1; i <= 5; i++) {
        post(f, i, i);
        rig_wait_ms(&f->rig, 1000); /* apart in time: not joined */
    }
    assert_true(f->a.sub.outbox->count > 1);
    reader_close(&f->rig, &f->a);
    join(f, &f->b, UINT64_MAX);
    check_words(&f->b, "1 2 3 4 5");
}

static void test_retired_keeps_what_it_is_owed(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    join(f, &f->b, UINT64_MAX);
    post(f, 1, 2);
    subscriber_retire(&f->a.sub);
    post(f, 3, 4);
    check_words(&f->b, "2 3 4");
    reader_feed(&f->rig, &f->a, UINT64_MAX);
    check_words(&f->a, "1");
    post(f, 5, 5);
    check_words(&f->a, "");
    check_words(&f->b, "5");
}

static void test_only_retired_consumers_deliver_nothing(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, UINT64_MAX);
    subscriber_retire(&f->a.sub);
    post(f, 1, 1);
    check_held(f, 1);
    assert_true(core_is_drained(&f->rig.core));
    join(f, &f->b, 0);
    check_words(&f->a, "");
}

static void test_full_consumers_are_worth_waiting_for(void **state)
{
    struct fixture *f = *state;
    join(f, &f->a, 0);
    post(f, 1, 6);
    check_held(f, 1);
    assert_false(core_is_drained(&f->rig.core));
    reader_feed(&f->rig, &f->a, SIZE * 5);
    assert_true(core_is_drained(&f->rig.core));
}

static void test_limit_shuts_the_gate_and_half_opens_it(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 49);
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_false(channel_must_wait(ch));
    post(f, 50, 50);
    assert_true(channel_must_wait(ch));
    assert_int_equal(rig_say(&f->rig, QUEUE, "more"), PUBLISH_WAIT);
    join(f, &f->a, 18 * SIZE); /* and some in its outbox */
    assert_true(channel_must_wait(ch));
    reader_feed(&f->rig, &f->a, 3 * SIZE);
    assert_false(channel_must_wait(ch));
}

/* A publisher that keeps what has no room yet is asked again when it has. */
static void
test_gate_is_shut_until_the_message_that_found_no_room_fits(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 22); /* 440 bytes, less than half */
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_true(channel_admits(ch, 560));
    assert_false(channel_admits(ch, 561));
    assert_true(channel_must_wait(ch));
    rig_turn(&f->rig);
    assert_false(channel_admits(ch, 1));
    join(f, &f->a, 1); /* one of SIZE goes, and there is room */
    assert_false(channel_must_wait(ch));
    assert_true(channel_admits(ch, 561));
}

static void test_messages_of_this_turn_take_room_at_once(void **state)
{
    struct fixture *f = *state;
    rig_say_bytes(&f->rig, QUEUE, "first", 500 - RIG_HEAD_BYTES);
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_true(channel_admits(ch, 500));
    rig_say_bytes(&f->rig, QUEUE, "second", 500 - RIG_HEAD_BYTES);
    assert_false(channel_admits(ch, 1));
    rig_turn(&f->rig);
}

static void test_an_empty_queue_admits_a_message_of_any_size(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 1);
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_false(channel_admits(ch, 5000));
    ch->kind->purge(ch, UINT32_MAX);
    assert_false(channel_must_wait(ch));
    assert_true(channel_admits(ch, 5000));
    channel_touch(ch);
    rig_turn(&f->rig);
}

static void test_waiting_publishers_pass_in_fair_turns(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[6];
    post(f, 1, 50);
    for (int i = 0; i < 6; i++)
        publisher_wait(&f->publishers[i], rig_find(&f->rig, QUEUE), false);
    rig_turn(&f->rig);
    assert_int_equal(rig_resumed(&f->rig, out, 6), 0);
    join(f, &f->a, 25 * SIZE); /* five more are in its outbox */
    /* 600 free: three reads of 200 and one, or no publisher ever would. */
    assert_int_equal(rig_resumed(&f->rig, out, 6), 4);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(out[i], &f->publishers[i]);
    assert_true(channel_must_wait(rig_find(&f->rig, QUEUE)));
    rig_turn(&f->rig);
    assert_int_equal(rig_resumed(&f->rig, out, 6), 2);
    assert_ptr_equal(out[0], &f->publishers[4]);
    assert_false(channel_must_wait(rig_find(&f->rig, QUEUE)));
}

/* The consumer has nothing to take, and publishers wait for it. */
static void test_what_there_was_no_memory_to_give_is_given_later(void **state)
{
    struct fixture *f = *state;
    post(f, 1, RIG_QUEUE_LIMIT / SIZE);
    assert_true(channel_is_closed(rig_find(&f->rig, QUEUE)));
    failing = 1;
    reader_open(&f->rig, &f->a, QUEUE, UINT64_MAX);
    rig_turn(&f->rig);
    assert_int_equal(failing, 0);
    check_words(&f->a, "");
    assert_true(core_is_ticking(&f->rig.core));
    core_tick(&f->rig.core);
    rig_turn(&f->rig);
    assert_false(channel_is_closed(rig_find(&f->rig, QUEUE)));
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 0);
    assert_false(core_is_ticking(&f->rig.core));
}

static void test_purge_counts_what_it_drops(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 60);
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_true(channel_must_wait(ch));
    assert_int_equal(ch->kind->purge(ch, UINT32_MAX), 60);
    check_held(f, 0);
    assert_false(channel_must_wait(ch));
}

static void test_purging_the_core_counts_as_stopping(void **state)
{
    struct fixture *f = *state;
    post(f, 1, 7);
    rig_say(&f->rig, "/queue/other", "not settled yet");
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_stopping), 8);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
}

#define QUEUE_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_keeps_messages_until_a_consumer_comes),
        QUEUE_TEST(test_round_robin_in_the_order_of_joining),
        QUEUE_TEST(test_who_has_no_room_is_skipped),
        QUEUE_TEST(test_prefetch_allows_one_message_of_any_size),
        QUEUE_TEST(test_back_into_the_round_at_half_its_room),
        QUEUE_TEST(test_late_consumer_takes_its_place_in_the_round),
        QUEUE_TEST(test_what_a_leaver_left_returns_to_the_head),
        QUEUE_TEST(test_what_was_wholly_taken_does_not_return),
        QUEUE_TEST(test_leaver_s_share_goes_to_who_is_there),
        QUEUE_TEST(test_slices_from_several_turns_return_in_order),
        QUEUE_TEST(test_retired_keeps_what_it_is_owed),
        QUEUE_TEST(test_only_retired_consumers_deliver_nothing),
        QUEUE_TEST(test_full_consumers_are_worth_waiting_for),
        QUEUE_TEST(test_limit_shuts_the_gate_and_half_opens_it),
        QUEUE_TEST(test_gate_is_shut_until_the_message_that_found_no_room_fits),
        QUEUE_TEST(test_messages_of_this_turn_take_room_at_once),
        QUEUE_TEST(test_an_empty_queue_admits_a_message_of_any_size),
        QUEUE_TEST(test_waiting_publishers_pass_in_fair_turns),
        QUEUE_TEST(test_what_there_was_no_memory_to_give_is_given_later),
        QUEUE_TEST(test_purge_counts_what_it_drops),
        QUEUE_TEST(test_purging_the_core_counts_as_stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
