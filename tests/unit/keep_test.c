/* SPDX-License-Identifier: MIT
 *
 * Durable queues on a store without files, each promise by itself; by chance in
 * keep_simulation_test.c.
 */
#include "broker/core/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/queue_kept.h"
#include "broker/core/queue_work.h"
#include "broker/core/waiting.h"
#include "broker/core/worker.h"
#include "tests/unit/rig.h"
#include "tests/unit/store_fake.h"
#include "tests/unit/unit.h"

#define Q "/queue/q"

enum { MANY_BYTES = 10000 };

struct fixture {
    struct rig rig;
    struct store_fake store;
    uint64_t unconfirmed; /* of each reader's connection */
    char lost[100];       /* "2-3 5-5 ": numbers */
};

static struct fixture *fixture_of_owner;

static uint64_t on_unconfirmed(void *arg, struct subscriber *s)
{
    (void)arg;
    (void)s;
    return fixture_of_owner->unconfirmed;
}

static void on_lost(void *arg, struct channel *ch, uint64_t first,
                    uint64_t last)
{
    struct fixture *f = fixture_of_owner;
    size_t n = strlen(f->lost);
    (void)arg;
    assert_true(queue_is_durable(ch));
    snprintf(f->lost + n, sizeof f->lost - n, "%" PRIu64 "-%" PRIu64 " ", first,
             last);
}

static void begin_core(struct fixture *f)
{
    rig_open(&f->rig);
    f->rig.core.turn.owner.lost = on_lost;
    f->rig.rule.is_durable = true;
    f->rig.rule.limit_bytes = 1 << 30;
    f->rig.core.turn.owner.unconfirmed = on_unconfirmed;
    assert_true(core_open_store(&f->rig.core, &store_fake_ops, &f->store));
}

/* As a broker that is killed: what is not on disk is lost. */
static void end_core(struct fixture *f)
{
    store_fake_close(&f->store);
    core_reap(&f->rig.core);
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_stopping), 0);
    rig_close(&f->rig);
    f->store.state = f->store.told = STORE_OPEN;
    f->store.fails_at = 0;
}

static int open_fixture(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    fixture_of_owner = &f;
    rig_open(&f.rig); /* for its message size */
    store_fake_init(&f.store, f.rig.core.turn.config.message_size);
    rig_close(&f.rig);
    f.store.is_lazy = true;
    begin_core(&f);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    end_core(f);
    store_fake_fini(&f->store);
    return 0;
}

static void restart(struct fixture *f)
{
    end_core(f);
    begin_core(f);
}

/* The store does all that it was asked, as long as it is asked more. */
static void settle(struct fixture *f)
{
    do {
        store_fake_do(&f->store, UINT32_MAX);
        core_reap(&f->rig.core);
        rig_turn(&f->rig);
    } while (f->store.waiting > 0 && f->store.state == STORE_OPEN);
}

static void tick(struct fixture *f)
{
    rig_wait_ms(&f->rig, CORE_TICK_MS);
}

/* Messages that are "1", "2" and so on, each of so many bytes. */
static void post_many(struct fixture *f, int from, int to, uint32_t bytes)
{
    for (int i = from; i <= to; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        rig_say_bytes(&f->rig, Q, text, bytes);
        if (i % 50 == 0)
            rig_turn(&f->rig);
    }
    rig_turn(&f->rig);
}

/* Takes them, the first of which has this number. */
static int take_many(struct fixture *f, struct reader *reader, int from)
{
    char *rest = strdup(reader_words(reader)), *at = rest, *word;
    (void)f;
    while ((word = strsep(&at, " ")) != NULL && *word) {
        assert_int_equal(atoi(word), from);
        from++;
    }
    free(rest);
    return from;
}

static void test_what_is_not_on_disk_is_handed_to_nobody(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_post(&f->rig, Q, "a b");
    rig_post(&f->rig, Q, "c");
    assert_string_equal(reader_words(&reader), "");
    store_fake_do(&f->store, 1);
    core_reap(&f->rig.core);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&reader), "a b");
    settle(f);
    assert_string_equal(reader_words(&reader), "c");
    reader_close(&f->rig, &reader);
}

static void test_what_is_on_disk_outlives_the_broker(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    rig_post(&f->rig, Q, "a b c");
    settle(f);
    rig_post(&f->rig, Q, "lost");
    restart(f);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 3);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_post(&f->rig, Q, "d");
    settle(f);
    assert_string_equal(reader_words(&reader), "a b c d");
    assert_int_equal(channel_last_number(rig_find(&f->rig, Q)), 4);
    reader_close(&f->rig, &reader);
}

static void
test_a_delivery_is_done_when_its_kernel_has_confirmed_it(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    f->unconfirmed = 5; /* the last message, and a byte */
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_post(&f->rig, Q, "a b c");
    settle(f);
    assert_string_equal(reader_words(&reader), "a b c");
    assert_int_equal(store_fake_count(&f->store, Q), 3);
    tick(f);
    assert_int_equal(store_fake_count(&f->store, Q), 2);
    f->unconfirmed = 0;
    tick(f);
    assert_int_equal(store_fake_count(&f->store, Q), 0);
    assert_false(core_is_ticking(&f->rig.core));
    reader_close(&f->rig, &reader);
}

static void test_what_a_kernel_did_not_confirm_comes_back(void **state)
{
    struct fixture *f = *state;
    struct reader gone, next;
    reader_open(&f->rig, &gone, Q, 10); /* two and a half */
    rig_post(&f->rig, Q, "a b c d");
    settle(f);
    f->unconfirmed = 4;
    reader_close(&f->rig, &gone);
    assert_int_equal(store_fake_count(&f->store, Q), 3);
    reader_open(&f->rig, &next, Q, UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&next), "b c d");
    assert_int_equal(rig_count(&f->rig, COUNT_redelivered), 1);
    f->unconfirmed = 0;
    reader_close(&f->rig, &next);
    assert_null(rig_find(&f->rig, Q));
    assert_int_equal(store_fake_count(&f->store, Q), UINT64_MAX);
}

static void test_numbers_go_on_when_a_queue_is_made_again(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_post(&f->rig, Q, "a b");
    settle(f);
    reader_close(&f->rig, &reader);
    assert_null(rig_find(&f->rig, Q));
    restart(f);
    rig_post(&f->rig, Q, "c");
    assert_int_equal(channel_last_number(rig_find(&f->rig, Q)), 3);
    settle(f);
}

/* Far larger than what is in memory. */
static void test_a_backlog_is_kept_in_order_and_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    int count = 2000, next = 1;
    for (int i = 0; i < count; i += 100) {
        post_many(f, i + 1, i + 100, MANY_BYTES);
        settle(f);
        assert_true(f->rig.budget.used_bytes < 4 << 20);
    }
    assert_int_equal(store_fake_count(&f->store, Q), count);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), count);
    assert_int_equal(f->store.reads, 0);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    while (next <= count) {
        int before = next;
        settle(f);
        tick(f);
        next = take_many(f, &reader, next);
        assert_true(next > before);
        assert_true(f->rig.budget.used_bytes < 5 << 20);
    }
    assert_true(f->store.reads > 0);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 0);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_bytes), 0);
    reader_close(&f->rig, &reader);
}

static void test_a_message_larger_than_a_read_is_read_alone(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    uint32_t large = 3 << 20;
    rig_post(&f->rig, Q, "1");
    rig_say_bytes(&f->rig, Q, "2", large);
    rig_post(&f->rig, Q, "3");
    settle(f);
    restart(f);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    for (int i = 0; i < 4; i++) {
        settle(f);
        tick(f);
    }
    assert_int_equal(take_many(f, &reader, 1), 4);
    reader_close(&f->rig, &reader);
}

static void test_what_the_store_refuses_waits_in_order(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    f->store.room = 1;
    rig_post(&f->rig, Q, "a");
    rig_post(&f->rig, Q, "b");
    rig_post(&f->rig, "/queue/r", "x");
    rig_post(&f->rig, Q, "c");
    assert_int_equal(core_durable_turn(&f->rig.core), 0);
    settle(f);
    assert_int_equal(store_fake_count(&f->store, Q), 3);
    assert_int_equal(store_fake_count(&f->store, "/queue/r"), 1);
    assert_int_equal(core_durable_turn(&f->rig.core),
                     core_turn(&f->rig.core) - 1);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&reader), "a b c");
    reader_close(&f->rig, &reader);
}

static void test_a_turn_is_durable_when_all_of_it_is_on_disk(void **state)
{
    struct fixture *f = *state;
    uint64_t first = core_turn(&f->rig.core);
    assert_int_equal(core_durable_turn(&f->rig.core), first - 1);
    rig_say(&f->rig, "/queue/r", "x");
    rig_post(&f->rig, Q, "a");
    assert_int_equal(core_durable_turn(&f->rig.core), first - 1);
    rig_post(&f->rig, Q, "b");
    store_fake_do(&f->store, 1);
    core_reap(&f->rig.core);
    assert_int_equal(core_durable_turn(&f->rig.core), first - 1);
    store_fake_do(&f->store, 1);
    core_reap(&f->rig.core);
    assert_int_equal(core_durable_turn(&f->rig.core), first);
    store_fake_do(&f->store, 1);
    core_reap(&f->rig.core);
    assert_int_equal(core_durable_turn(&f->rig.core), first + 1);
}

static void test_publishers_wait_while_too_much_is_not_on_disk(void **state)
{
    struct fixture *f = *state;
    uint32_t bytes = 1 << 20;
    int n = 0;
    while (rig_say_bytes(&f->rig, Q, "x", bytes) == PUBLISH_OK) {
        rig_turn(&f->rig);
        assert_true(++n <= 16);
    }
    rig_turn(&f->rig);
    assert_int_equal(n, 15);
    assert_true(channel_must_wait(rig_find(&f->rig, Q)));
    store_fake_do(&f->store, 7);
    core_reap(&f->rig.core);
    assert_true(channel_must_wait(rig_find(&f->rig, Q)));
    store_fake_do(&f->store, 2);
    core_reap(&f->rig.core);
    assert_false(channel_must_wait(rig_find(&f->rig, Q)));
    settle(f);
}

/* Not one read for each queue. */
static void
test_many_queues_share_the_bound_of_what_is_not_on_disk(void **state)
{
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < 17; i++) {
        rig_say_bytes(&f->rig, Q, "x", 1 << 20);
        rig_turn(&f->rig);
    }
    uint64_t before = f->rig.core.keeper.pending_bytes;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "/queue/%d", i);
        assert_int_equal(rig_say(&f->rig, name, "x"), PUBLISH_WAIT);
    }
    rig_turn(&f->rig);
    assert_int_equal(f->rig.core.keeper.pending_bytes, before + 100 * 4);
    settle(f);
    assert_false(channel_must_wait(rig_find(&f->rig, "/queue/0")));
}

static void test_a_full_store_lets_consumers_go_on(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    rig_post(&f->rig, Q, "a");
    settle(f);
    store_fake_set_state(&f->store, STORE_FULL);
    core_reap(&f->rig.core);
    assert_int_equal(rig_say(&f->rig, Q, "b"), PUBLISH_WAIT);
    rig_turn(&f->rig);
    assert_int_equal(rig_say(&f->rig, Q, "c"), PUBLISH_WAIT);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    settle(f);
    tick(f);
    assert_string_equal(reader_words(&reader), "a");
    assert_int_equal(store_fake_count(&f->store, Q), 0);
    store_fake_set_state(&f->store, STORE_OPEN);
    settle(f);
    assert_false(channel_must_wait(rig_find(&f->rig, Q)));
    settle(f);
    assert_string_equal(reader_words(&reader), "b c");
    reader_close(&f->rig, &reader);
}

static void test_a_store_that_fails_freezes_its_queues(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    rig_post(&f->rig, Q, "a");
    rig_post(&f->rig, Q, "b");
    f->store.fails_at = 2;
    uint64_t first = core_turn(&f->rig.core) - 2;
    store_fake_do(&f->store, 2);
    core_reap(&f->rig.core);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&reader), "");
    assert_true(core_durable_turn(&f->rig.core) <= first);
    rig_say(&f->rig, Q, "c");
    rig_turn(&f->rig);
    assert_true(channel_must_wait(rig_find(&f->rig, Q)));
    assert_true(core_durable_turn(&f->rig.core) <= first);
    reader_close(&f->rig, &reader);
}

static void test_what_a_worker_acknowledges_is_done(void **state)
{
    struct fixture *f = *state;
    struct holder holder;
    struct worker worker;
    struct reader lane = {.appetite = UINT64_MAX};
    holder_init(&holder, f);
    worker_init(&worker, &holder, 2, 0);
    subscriber_init(&lane.sub);
    lane.sub.kind = SUBSCRIBER_LANE;
    lane.sub.worker = &worker;
    assert_true(
        core_subscribe(&f->rig.core, &lane.sub, (const uint8_t *)Q, strlen(Q)));
    rig_post(&f->rig, Q, "a b c");
    settle(f);
    assert_string_equal(reader_words(&lane), "a b");
    queue_work_sent(&lane.sub, 1, 2);
    assert_true(queue_work_ack(lane.sub.channel, f, 2));
    rig_turn(&f->rig);
    assert_int_equal(store_fake_count(&f->store, Q), 2);
    reader_close(&f->rig, &lane);
    worker_fini(&worker);
    restart(f);
    reader_open(&f->rig, &lane, Q, UINT64_MAX);
    settle(f);
    assert_string_equal(reader_words(&lane), "a c");
    reader_close(&f->rig, &lane);
}

static void
test_acknowledgements_that_the_store_refuses_are_not_lost(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    rig_post(&f->rig, Q, "a");
    rig_post(&f->rig, "/queue/r", "b");
    settle(f);
    f->store.ack_room = 0;
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    settle(f);
    tick(f);
    assert_int_equal(store_fake_count(&f->store, Q), 1);
    f->store.ack_room = UINT32_MAX;
    core_reap(&f->rig.core);
    assert_int_equal(store_fake_count(&f->store, Q), 0);
    reader_close(&f->rig, &reader);
}

static void test_a_rule_makes_what_waits_durable(void **state)
{
    struct fixture *f = *state;
    struct rule *rule = &f->rig.rule;
    struct core_config config = f->rig.core.turn.config;
    struct reader reader;
    rule->is_durable = false;
    rig_post(&f->rig, Q, "a b");
    assert_false(queue_is_durable(rig_find(&f->rig, Q)));
    rule->is_durable = true;
    core_configure(&f->rig.core, &config);
    rig_turn(&f->rig);
    rig_post(&f->rig, Q, "c");
    settle(f);
    restart(f);
    assert_int_equal(store_fake_count(&f->store, Q), 3);
    rule->is_durable = false;
    core_configure(&f->rig.core, &config);
    rig_post(&f->rig, Q, "d");
    settle(f);
    assert_int_equal(store_fake_count(&f->store, Q), 4);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    settle(f);
    tick(f);
    tick(f);
    assert_string_equal(reader_words(&reader), "a b c d");
    assert_int_equal(store_fake_count(&f->store, Q), UINT64_MAX);
    rig_post(&f->rig, Q, "e");
    assert_string_equal(reader_words(&reader), "e");
    reader_close(&f->rig, &reader);
}

static void test_what_is_damaged_is_skipped_and_told(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    rig_post(&f->rig, Q, "a b c d e f");
    settle(f);
    store_fake_damage(&f->store, Q, 2);
    store_fake_damage(&f->store, Q, 3);
    store_fake_damage(&f->store, Q, 6);
    restart(f);
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    for (int i = 0; i < 4; i++)
        settle(f);
    tick(f);
    assert_string_equal(reader_words(&reader), "a d e");
    assert_string_equal(f->lost, "2-3 6-6 ");
    assert_int_equal(f->rig.core.keeper.damaged, 3);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 0);
    reader_close(&f->rig, &reader);
}

static void test_memory_that_is_short_is_given_back_first(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    post_many(f, 1, 150, MANY_BYTES);
    settle(f);
    assert_true(rig_find(&f->rig, Q)->account.bytes > 1 << 20);
    f->rig.budget.limit_bytes = f->rig.budget.used_bytes;
    rig_post(&f->rig, "/queue/r", "x");
    settle(f);
    assert_true(rig_find(&f->rig, Q)->account.bytes < 1 << 20);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 151);
    f->rig.budget.limit_bytes = 0;
    reader_open(&f->rig, &reader, Q, UINT64_MAX);
    int next = 1;
    for (int i = 0; i < 50; i++) {
        settle(f);
        tick(f);
        next = take_many(f, &reader, next);
    }
    assert_int_equal(next, 151);
    reader_close(&f->rig, &reader);
}

static void test_purged_messages_are_gone_from_the_store(void **state)
{
    struct fixture *f = *state;
    struct waiting left, gone = {.messages = 0};
    post_many(f, 1, 400, MANY_BYTES);
    settle(f);
    rig_post(&f->rig, Q, "late");
    do {
        struct waiting some =
            waiting_purge(&f->rig.core, (const uint8_t *)Q, strlen(Q), &left);
        gone.messages += some.messages;
        rig_turn(&f->rig);
    } while (left.messages > 1);
    assert_int_equal(gone.messages, 400);
    assert_int_equal(left.messages, 1);
    settle(f);
    assert_int_equal(store_fake_count(&f->store, Q), 1);
}

static void test_one_channel_too_many_is_refused(void **state)
{
    struct fixture *f = *state;
    enum counter_id why;
    f->store.channels_most = 1;
    rig_post(&f->rig, Q, "a");
    assert_null(core_route(&f->rig.core, (const uint8_t *)"/queue/r", 8, &why));
    settle(f);
}

#define KEEP_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEP_TEST(test_what_is_not_on_disk_is_handed_to_nobody),
        KEEP_TEST(test_what_is_on_disk_outlives_the_broker),
        KEEP_TEST(test_a_delivery_is_done_when_its_kernel_has_confirmed_it),
        KEEP_TEST(test_what_a_kernel_did_not_confirm_comes_back),
        KEEP_TEST(test_numbers_go_on_when_a_queue_is_made_again),
        KEEP_TEST(test_a_backlog_is_kept_in_order_and_out_of_memory),
        KEEP_TEST(test_a_message_larger_than_a_read_is_read_alone),
        KEEP_TEST(test_what_the_store_refuses_waits_in_order),
        KEEP_TEST(test_a_turn_is_durable_when_all_of_it_is_on_disk),
        KEEP_TEST(test_publishers_wait_while_too_much_is_not_on_disk),
        KEEP_TEST(test_many_queues_share_the_bound_of_what_is_not_on_disk),
        KEEP_TEST(test_a_full_store_lets_consumers_go_on),
        KEEP_TEST(test_a_store_that_fails_freezes_its_queues),
        KEEP_TEST(test_what_a_worker_acknowledges_is_done),
        KEEP_TEST(test_acknowledgements_that_the_store_refuses_are_not_lost),
        KEEP_TEST(test_a_rule_makes_what_waits_durable),
        KEEP_TEST(test_what_is_damaged_is_skipped_and_told),
        KEEP_TEST(test_memory_that_is_short_is_given_back_first),
        KEEP_TEST(test_purged_messages_are_gone_from_the_store),
        KEEP_TEST(test_one_channel_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
