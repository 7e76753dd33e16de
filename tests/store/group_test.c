/* SPDX-License-Identifier: MIT
 *
 * How long batches wait for more messages, in a time that only the test moves:
 * publishers that wait for receipts share a flush, a lone one is not delayed,
 * and where messages come at their own pace batches soon begin at once.
 */
#include "broker/store/group.h"

#include <stdlib.h>

#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

enum { FLUSH_US = 2000, PUBLISHERS = 64, NEVER = 1000000000 };

struct play {
    struct group group;
    uint64_t now_us, flush_us;
    uint64_t random;
    int count;                     /* of publishers */
    uint64_t next_us[PUBLISHERS];  /* when each publishes again */
    uint64_t again_us[PUBLISHERS]; /* so long after its receipt */
    uint64_t pace_us; /* or, if it is not 0, so long after its last message,
                         and up to twice that: it waits for no receipt */
    uint64_t waiting; /* messages */
    uint64_t batches, messages, waited_us;
    uint64_t last;       /* messages of the last batch */
    uint64_t longest_us; /* from a message to its receipt */
};

static void play_init(struct play *p, int count, uint64_t flush_us)
{
    *p = (struct play){.flush_us = flush_us, .count = count, .random = 1};
}

/* Publishers come back after up to so many microseconds. */
static void play_again(struct play *p, uint32_t most_us)
{
    for (int i = 0; i < p->count; i++)
        p->again_us[i] = 1 + chance_of(&p->random, most_us);
}

static uint64_t next_arrival(const struct play *p)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < p->count; i++)
        if (p->next_us[i] > p->now_us && p->next_us[i] < next)
            next = p->next_us[i];
    return next;
}

/* What comes until now, for publishers that wait for no receipts. */
static void play_pace(struct play *p)
{
    for (int i = 0; p->pace_us > 0 && i < p->count; i++)
        while (p->next_us[i] <= p->now_us) {
            p->waiting++;
            p->next_us[i] +=
                p->pace_us + chance_of(&p->random, (uint32_t)p->pace_us);
        }
}

static void play_count(struct play *p)
{
    play_pace(p);
    if (p->pace_us > 0)
        return;
    p->waiting = 0;
    for (int i = 0; i < p->count; i++)
        p->waiting += p->next_us[i] <= p->now_us;
}

/* Receipts go out for those that had published when the batch began. */
static void play_receipts(struct play *p, uint64_t begin_us)
{
    for (int i = 0; p->pace_us == 0 && i < p->count; i++)
        if (p->next_us[i] <= begin_us) {
            uint64_t us = p->now_us - p->next_us[i];
            p->longest_us = us > p->longest_us ? us : p->longest_us;
            p->next_us[i] = p->now_us + p->again_us[i];
        }
}

static void play_batch(struct play *p)
{
    uint64_t wait_us, begin_us;
    play_count(p);
    while ((wait_us = group_wait_us(&p->group, p->now_us, p->waiting)) > 0 ||
           p->waiting == 0) {
        uint64_t before_us = p->now_us, next = next_arrival(p);
        p->now_us = wait_us > 0 && p->now_us + wait_us < next
                        ? p->now_us + wait_us
                        : next;
        p->waited_us += wait_us > 0 ? p->now_us - before_us : 0;
        play_count(p);
    }
    begin_us = p->now_us;
    p->last = p->waiting;
    p->waiting = 0;
    p->now_us += p->flush_us;
    p->batches++;
    p->messages += p->last;
    play_receipts(p, begin_us);
    group_written(&p->group, p->now_us, p->flush_us, p->last);
}

static void play(struct play *p, int batches)
{
    for (int i = 0; i < batches; i++)
        play_batch(p);
}

/* So many microseconds of a thousand are spent waiting from here on. */
static uint64_t play_share(struct play *p, int batches)
{
    uint64_t begin_us = p->now_us, waited_us = p->waited_us;
    play(p, batches);
    return (p->waited_us - waited_us) * 1000 / (p->now_us - begin_us);
}

static void two_groups_become_one_and_remain_one(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    play_again(&p, FLUSH_US / 2 - 1);
    for (int i = 0; i < p.count; i += 2)
        p.next_us[i] = FLUSH_US / 2;
    play(&p, 3);
    p.longest_us = 0;
    for (int i = 0; i < 1000; i++) {
        play_batch(&p);
        assert_int_equal(p.last, PUBLISHERS);
    }
    assert_in_range(p.longest_us, FLUSH_US, FLUSH_US * 3 / 2);
}

/* As fifty connections do whose receipts are written one after another, which
 * takes longer than half of a flush. */
static void publishers_that_come_one_after_another_miss_no_batch(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    for (int i = 0; i < p.count; i++)
        p.again_us[i] = 50 + (uint64_t)i * FLUSH_US / PUBLISHERS * 9 / 16;
    play(&p, 10);
    p.longest_us = 0;
    for (int i = 0; i < 1000; i++) {
        play_batch(&p);
        assert_int_equal(p.last, PUBLISHERS);
    }
    assert_in_range(p.longest_us, FLUSH_US, 2 * FLUSH_US);
}

static void a_lone_publisher_is_not_delayed(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, 1, FLUSH_US);
    play_again(&p, FLUSH_US / 4);
    play(&p, 1000);
    assert_int_equal(p.group.waits, 0);
    assert_int_equal(p.longest_us, FLUSH_US);
}

static void a_publisher_that_sends_all_at_once_is_not_delayed(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    for (int i = 0; i < p.count; i++)
        p.again_us[i] = FLUSH_US / 4;
    play(&p, 1000);
    assert_int_equal(p.group.waits, 0);
}

static void on_a_fast_disk_nothing_waits(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, GROUP_LEAST_US * GROUP_SHARE - 1);
    play_again(&p, 50);
    play(&p, 1000);
    assert_int_equal(p.group.waits, 0);
}

static void messages_at_their_own_pace_are_hardly_delayed(void **state)
{
    (void)state;
    static const uint64_t paces_us[] = {40, 500, 20000, 100000, 500000};
    for (size_t i = 0; i < sizeof paces_us / sizeof *paces_us; i++) {
        struct play p;
        play_init(&p, PUBLISHERS, FLUSH_US);
        p.pace_us = paces_us[i];
        for (int k = 0; k < p.count; k++)
            p.next_us[k] = chance_of(&p.random, (uint32_t)p.pace_us);
        play(&p, 200);
        assert_in_range(play_share(&p, 10000), 0, 20);
    }
}

static void publishers_that_come_back_late_are_not_waited_for(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    for (int i = 0; i < p.count; i++)
        p.again_us[i] = FLUSH_US / 2 + chance_of(&p.random, 4 * FLUSH_US);
    play(&p, 200);
    assert_in_range(play_share(&p, 10000), 0, 20);
}

static void a_publisher_that_stops_is_missed_once(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    play_again(&p, 100);
    play(&p, 10);
    p.again_us[0] = NEVER;
    play(&p, 2);
    assert_int_equal(p.last, PUBLISHERS - 1);
    assert_int_equal(p.group.pause, 0);
    uint64_t waited_us = p.waited_us;
    play(&p, 100);
    assert_int_equal(p.last, PUBLISHERS - 1);
    assert_in_range(p.waited_us - waited_us, 1, 100 * 100);
}

/* At the end of the longest pause, and of a few that are halves of it. */
static void publishers_that_wait_for_receipts_are_found_again(void **state)
{
    (void)state;
    struct play p;
    play_init(&p, PUBLISHERS, FLUSH_US);
    p.pace_us = 500;
    play(&p, 10000);
    assert_int_equal(p.group.pause, GROUP_PAUSE_MAX);
    p.pace_us = 0;
    play_again(&p, 500);
    for (int i = 0; i < p.count; i++)
        p.next_us[i] = p.now_us + (uint64_t)(i % 2) * FLUSH_US / 2;
    play(&p, 2 * GROUP_PAUSE_MAX);
    for (int i = 0; i < 100; i++) {
        play_batch(&p);
        assert_int_equal(p.last, PUBLISHERS);
    }
    assert_int_equal(p.group.pause, 0);
}

static void after_a_very_slow_flush_the_wait_is_bounded(void **state)
{
    (void)state;
    struct group g = {0};
    group_written(&g, 5, 60000000, 10);
    assert_int_equal(group_wait_us(&g, 5, 1), GROUP_MOST_US);
    assert_int_equal(group_wait_us(&g, 5 + GROUP_MOST_US, 1), 0);
}

static void what_comes_long_after_a_batch_does_not_wait(void **state)
{
    (void)state;
    struct group g = {0};
    group_written(&g, 5, FLUSH_US, 10);
    assert_int_equal(group_wait_us(&g, 5, 0), 0);
    assert_int_equal(group_wait_us(&g, 5 + FLUSH_US, 1), 0);
    assert_int_equal(g.waits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_groups_become_one_and_remain_one),
        cmocka_unit_test(publishers_that_come_one_after_another_miss_no_batch),
        cmocka_unit_test(a_lone_publisher_is_not_delayed),
        cmocka_unit_test(a_publisher_that_sends_all_at_once_is_not_delayed),
        cmocka_unit_test(on_a_fast_disk_nothing_waits),
        cmocka_unit_test(messages_at_their_own_pace_are_hardly_delayed),
        cmocka_unit_test(publishers_that_come_back_late_are_not_waited_for),
        cmocka_unit_test(a_publisher_that_stops_is_missed_once),
        cmocka_unit_test(publishers_that_wait_for_receipts_are_found_again),
        cmocka_unit_test(after_a_very_slow_flush_the_wait_is_bounded),
        cmocka_unit_test(what_comes_long_after_a_batch_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
