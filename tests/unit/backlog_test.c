/* SPDX-License-Identifier: MIT
 *
 * A backlog returns what was put in, in order, however it is cut on the way
 * out, and counts a message as gone only when all of it has gone.
 */
#include "broker/core/backlog.h"

#include <stdio.h>
#include <string.h>

#include "broker/core/backlog_drop.h"
#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

enum { MESSAGE_BYTES = 10 };

struct fixture {
    struct budget budget;
    struct block_pool pool;
    struct backlog *backlog;
    struct block *block; /* of messages "message000", "message001", ... */
};

static int open_backlog(void **state)
{
    static struct fixture f;
    f = (struct fixture){.budget = {.used_bytes = 0}};
    block_pool_init(&f.pool, &f.budget);
    f.backlog = BACKLOG_NONE;
    assert_true(backlog_own(&f.backlog, &f.budget));
    f.block = block_new(&f.pool, BLOCK_BYTES);
    for (uint32_t i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof text, "message%03u", i);
        memcpy(f.block->bytes + f.block->used, text, MESSAGE_BYTES);
        f.block->used += MESSAGE_BYTES;
    }
    *state = &f;
    return 0;
}

static int close_backlog(void **state)
{
    struct fixture *f = *state;
    backlog_release(&f->backlog, &f->budget);
    int is_shared = f->block->refs != 1;
    block_unref(f->block);
    block_pool_fini(&f->pool);
    return is_shared || f->budget.used_bytes != 0;
}

/* `n` messages of the block from number `first` on. */
static struct slice slice_of(struct fixture *f, uint32_t first, uint32_t n,
                             clock_ms at)
{
    return (struct slice){.block = f->block,
                          .offset = first * MESSAGE_BYTES,
                          .length = n * MESSAGE_BYTES,
                          .at = at,
                          .messages = (uint16_t)n,
                          .first = first + 1};
}

static void push(struct fixture *f, uint32_t first, uint32_t n, clock_ms at)
{
    struct slice s = slice_of(f, first, n, at);
    assert_true(backlog_push(f->backlog, &f->budget, &s));
}

static void push_front(struct fixture *f, uint32_t first, uint32_t n)
{
    struct slice s = slice_of(f, first, n, 0);
    assert_true(backlog_push_front(f->backlog, &f->budget, &s));
}

static void check_held(const struct fixture *f, uint64_t messages)
{
    assert_int_equal(f->backlog->messages, messages);
    assert_int_equal(f->backlog->bytes, messages * MESSAGE_BYTES);
}

/* The first message's number, as the bytes have it. */
static void check_first(struct fixture *f, uint32_t number)
{
    struct iovec iov;
    size_t bytes;
    char text[16];
    assert_int_equal(backlog_iov(f->backlog, &iov, 1, &bytes), 1);
    snprintf(text, sizeof text, "message%03u", number);
    assert_memory_equal(iov.iov_base, text, MESSAGE_BYTES);
}

static void test_empty_owns_nothing(void **state)
{
    struct fixture *f = *state;
    backlog_disown(&f->backlog, &f->budget);
    assert_ptr_equal(f->backlog, &backlog_none);
    uint64_t before = f->budget.used_bytes;
    assert_true(backlog_own(&f->backlog, &f->budget));
    push(f, 0, 3, 0);
    assert_true(f->budget.used_bytes > before);
    assert_int_equal(f->block->refs, 2);
    backlog_disown(&f->backlog, &f->budget); /* not yet */
    assert_int_equal(backlog_consume(f->backlog, &f->budget, 30), 3);
    assert_true(backlog_is_empty(f->backlog));
    backlog_disown(&f->backlog, &f->budget);
    assert_ptr_equal(f->backlog, &backlog_none);
    assert_int_equal(f->budget.used_bytes, before);
    assert_int_equal(f->block->refs, 1);
}

static void test_neighbours_are_joined(void **state)
{
    struct fixture *f = *state;
    push(f, 0, 2, 1000);
    push(f, 2, 3, 1050);
    assert_int_equal(f->backlog->count, 1);
    assert_int_equal(backlog_first(f->backlog)->messages, 5);
    assert_int_equal(backlog_first(f->backlog)->at, 1000);
    assert_int_equal(f->block->refs, 2);
    check_held(f, 5);
}

static void test_gaps_and_time_keep_slices_apart(void **state)
{
    struct fixture *f = *state;
    push(f, 0, 2, 1000);
    push(f, 3, 2, 1000); /* message 2 is missing */
    push(f, 5, 2, 9000); /* much later: its age would be lost */
    assert_int_equal(f->backlog->count, 3);
    assert_int_equal(f->block->refs, 4);
    check_held(f, 6);
}

static void test_other_blocks_are_not_joined(void **state)
{
    struct fixture *f = *state;
    struct block *other = block_new(&f->pool, 100);
    push(f, 0, 2, 0);
    struct slice s = {
        .block = other, .offset = 20, .length = 10, .messages = 1, .first = 3};
    assert_true(backlog_push(f->backlog, &f->budget, &s));
    block_unref(other);
    assert_int_equal(f->backlog->count, 2);
}

static void test_age_is_that_of_the_oldest(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(backlog_age_ms(f->backlog, 77), 0);
    push(f, 0, 1, 1000);
    push(f, 5, 1, 3000);
    assert_int_equal(backlog_age_ms(f->backlog, 4000), 3000);
    backlog_consume(f->backlog, &f->budget, MESSAGE_BYTES);
    assert_int_equal(backlog_age_ms(f->backlog, 4000), 1000);
}

static void test_any_cut_gives_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    for (size_t cut = 1; cut <= 35; cut++) {
        uint32_t messages = 0;
        size_t gone = 0;
        push(f, 0, 2, 0);
        push(f, 3, 1, 0); /* so 0, 1, 3, and no neighbours */
        while (!backlog_is_empty(f->backlog)) {
            struct iovec iov;
            size_t bytes;
            backlog_iov(f->backlog, &iov, 1, &bytes);
            size_t n = bytes < cut ? bytes : cut;
            size_t at = gone < 20 ? gone : gone + 10;
            assert_memory_equal(iov.iov_base, f->block->bytes + at, n);
            messages += backlog_consume(f->backlog, &f->budget, n);
            gone += n;
            assert_int_equal(f->backlog->bytes, 30 - gone);
        }
        assert_int_equal(messages, 3);
        check_held(f, 0);
    }
}

static void test_consuming_over_several_slices(void **state)
{
    struct fixture *f = *state;
    push(f, 0, 1, 0);
    push(f, 2, 1, 0);
    push(f, 4, 1, 0);
    assert_int_equal(backlog_consume(f->backlog, &f->budget, 25), 2);
    assert_int_equal(f->backlog->sent, 5);
    assert_int_equal(f->backlog->messages, 1);
    assert_int_equal(f->backlog->bytes, 5);
    assert_int_equal(backlog_consume(f->backlog, &f->budget, 5), 1);
}

static void test_iov_is_bounded_and_without_gaps(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[4];
    size_t bytes;
    for (uint32_t i = 0; i < 10; i += 2)
        push(f, i, 1, 0);
    backlog_consume(f->backlog, &f->budget, 3);
    assert_int_equal(backlog_iov(f->backlog, iov, 4, &bytes), 4);
    assert_int_equal(bytes, 37);
    assert_ptr_equal(iov[0].iov_base, f->block->bytes + 3);
    assert_int_equal(iov[0].iov_len, 7);
    assert_ptr_equal(iov[3].iov_base, f->block->bytes + 60);
}

static void test_iov_joins_what_lies_together(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[2];
    size_t bytes;
    push(f, 0, 2, 0);
    push(f, 2, 2, 9000);
    assert_int_equal(f->backlog->count, 2);
    assert_int_equal(backlog_iov(f->backlog, iov, 1, &bytes), 1);
    assert_int_equal(bytes, 40);
    assert_int_equal(iov[0].iov_len, 40);
}

static void test_front_comes_first(void **state)
{
    struct fixture *f = *state;
    push(f, 6, 1, 0);
    for (uint32_t i = 5; i > 0; i--)
        push_front(f, i, 1);
    check_held(f, 6);
    for (uint32_t i = 1; i <= 6; i++) {
        check_first(f, i);
        backlog_consume(f->backlog, &f->budget, MESSAGE_BYTES);
    }
    assert_true(backlog_is_empty(f->backlog));
}

static void test_take_splits_the_first_slice(void **state)
{
    struct fixture *f = *state;
    push(f, 0, 5, 0);
    struct slice s = backlog_take(f->backlog, &f->budget, 20, 2);
    assert_int_equal(s.messages, 2);
    assert_int_equal(s.length, 20);
    assert_int_equal(f->block->refs, 3);
    check_held(f, 3);
    check_first(f, 2);
    block_unref(s.block);
    s = backlog_take(f->backlog, &f->budget, 30, 3);
    assert_int_equal(f->block->refs, 2); /* the reference came along */
    assert_true(backlog_is_empty(f->backlog));
    block_unref(s.block);
}

static void test_ring_grows_wraps_and_shrinks(void **state)
{
    struct fixture *f = *state;
    uint32_t in = 0, out = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 90; i++, in++)
            push(f, in * 2 % 1000, 1, 0);
        uint64_t full = f->budget.used_bytes;
        for (int i = 0; i < 85; i++, out++) {
            check_first(f, out * 2 % 1000);
            backlog_consume(f->backlog, &f->budget, MESSAGE_BYTES);
        }
        assert_int_equal(f->backlog->count, in - out);
        if (round == 0)
            assert_true(f->budget.used_bytes < full);
    }
}

/* What is unsent, one byte after another. */
static size_t unsent(const struct fixture *f, uint8_t *bytes, size_t room)
{
    struct iovec iov[64];
    size_t all, n = 0;
    int iovs = backlog_iov(f->backlog, iov, 64, &all);
    assert_true(all == f->backlog->bytes && all <= room);
    for (int i = 0; i < iovs; i++) {
        memcpy(bytes + n, iov[i].iov_base, iov[i].iov_len);
        n += iov[i].iov_len;
    }
    return n;
}

static uint32_t message_size(const uint8_t *message)
{
    (void)message;
    return MESSAGE_BYTES;
}

/* Whatever is sent, pledged and asked for: messages are dropped behind those
 * that were begun, from the right end, and no more of them than must be. */
static void check_drop(struct fixture *f, uint64_t *seed, backlog_drop_fn *drop,
                       bool is_oldest)
{
    enum { ROOM = 40 * MESSAGE_BYTES };
    uint8_t before[ROOM], after[ROOM];
    uint32_t slices = 1 + (uint32_t)chance_of(seed, 12);
    for (uint32_t i = 0, at = 0; i < slices; i++) {
        uint32_t n = 1 + (uint32_t)chance_of(seed, 3);
        push(f, at, n, 0);
        at += n + (uint32_t)chance_of(seed, 2);
    }
    backlog_consume(f->backlog, &f->budget,
                    chance_of(seed, (uint32_t)f->backlog->bytes));
    (void)backlog_forget_sent(f->backlog, message_size);
    size_t n = unsent(f, before, ROOM), sent = f->backlog->sent;
    f->backlog->pledged = (uint32_t)chance_of(seed, (uint32_t)n + 1);
    size_t begun = sent + f->backlog->pledged;
    size_t most = chance_of(seed, (uint32_t)n + 1),
           messages = f->backlog->messages;
    size_t stays = (begun + MESSAGE_BYTES - 1) / MESSAGE_BYTES;
    stays = stays > 0 ? stays : !is_oldest;
    uint32_t dropped =
        drop(f->backlog, &f->budget, message_size, most, UINT64_MAX);
    size_t left = unsent(f, after, ROOM);
    assert_int_equal(left, n - dropped * MESSAGE_BYTES);
    assert_int_equal(f->backlog->messages, messages - dropped);
    bool is_least = messages - dropped == (stays > 1 ? stays : 1);
    assert_true(left <= most || is_least);
    assert_true(dropped == 0 || left + MESSAGE_BYTES > most);
    size_t kept = stays > 0 ? stays * MESSAGE_BYTES - sent : 0;
    size_t same = is_oldest ? kept : left;
    assert_memory_equal(after, before, same);
    assert_memory_equal(after + same, before + n - (left - same), left - same);
    backlog_clear(f->backlog, &f->budget);
}

static void test_what_is_pledged_is_not_dropped(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        check_drop(f, &seed, backlog_drop_oldest, true);
        check_drop(f, &seed, backlog_drop_newest, false);
    }
}

#define BACKLOG_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, open_backlog, close_backlog)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKLOG_TEST(test_empty_owns_nothing),
        BACKLOG_TEST(test_neighbours_are_joined),
        BACKLOG_TEST(test_gaps_and_time_keep_slices_apart),
        BACKLOG_TEST(test_other_blocks_are_not_joined),
        BACKLOG_TEST(test_age_is_that_of_the_oldest),
        BACKLOG_TEST(test_any_cut_gives_the_same_bytes),
        BACKLOG_TEST(test_consuming_over_several_slices),
        BACKLOG_TEST(test_iov_is_bounded_and_without_gaps),
        BACKLOG_TEST(test_iov_joins_what_lies_together),
        BACKLOG_TEST(test_front_comes_first),
        BACKLOG_TEST(test_take_splits_the_first_slice),
        BACKLOG_TEST(test_ring_grows_wraps_and_shrinks),
        BACKLOG_TEST(test_what_is_pledged_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
