/* SPDX-License-Identifier: MIT
 *
 * Incomplete messages take no more than their share of the memory, and a
 * message that was granted its memory can be completed.
 */
#include "broker/session/admission.h"

#include "broker/session/partial.h"
#include "tests/unit/unit.h"

enum { LIMIT = 1 << 20, PARTIALS = 8 };

struct fixture {
    struct budget budget;
    struct block_pool pool;
    struct admission admission;
    struct partial *partials[PARTIALS];
    uint8_t host; /* of those that are kept */
};

static struct fixture f;

static int open_admission(void **state)
{
    (void)state;
    f = (struct fixture){.budget = {.limit_bytes = LIMIT}};
    block_pool_init(&f.pool, &f.budget);
    admission_init(&f.admission, &f.budget);
    return 0;
}

static int close_admission(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTIALS; i++)
        admission_release(&f.admission, &f.partials[i]);
    for (size_t i = 0; i < ADMISSION_TOTAL; i++)
        if (f.admission.bytes[i] != 0)
            return -1;
    for (size_t i = 0; i < PEER_HOSTS; i++)
        if (f.admission.host_bytes[i] != 0)
            return -1;
    block_pool_fini(&f.pool);
    return f.budget.used_bytes != 0 || f.budget.promised_bytes != 0;
}

/* `came` bytes of a message of `body_bytes`; of a small one when 0. */
static struct partial *keep(size_t i, uint32_t body_bytes, size_t came)
{
    static const uint8_t bytes[LIMIT];
    size_t head = body_bytes > 0 ? 5 : came;
    struct partial *p = partial_new(&f.budget, bytes, head);
    assert_non_null(p);
    p->host = f.host;
    if (body_bytes > 0)
        assert_true(partial_begin_body(p, &f.pool, bytes, came, body_bytes));
    admission_keep(&f.admission, p);
    f.partials[i] = p;
    return p;
}

/* Whether another beginning would be kept, of a host of its own. */
static bool has_room(uint32_t head_bytes, uint32_t body_bytes, bool has_merit)
{
    struct beginning b = {head_bytes, body_bytes, PEER_HOSTS - 1, has_merit};
    return admission_has_room(&f.admission, &b);
}

static bool grant(size_t i)
{
    return admission_grant(&f.admission, f.partials[i]);
}

static void test_large_messages_share_half_of_the_memory(void **state)
{
    (void)state;
    keep(0, LIMIT / 4, 1000);
    keep(1, LIMIT / 4, 1000);
    keep(2, LIMIT / 8, 1000);
    assert_true(grant(0));
    assert_int_equal(f.budget.promised_bytes, LIMIT / 4 - 1000);
    assert_true(grant(1));
    assert_false(grant(2));
    assert_int_equal(f.partials[2]->body_state, BODY_WAITING);
    admission_release(&f.admission, &f.partials[0]);
    assert_true(grant(2));
}

/* Otherwise a message too large for the share would wait forever. */
static void test_one_large_message_may_always_be_under_way(void **state)
{
    (void)state;
    keep(0, LIMIT * 3 / 4, 1000);
    assert_true(grant(0));
}

static void test_nothing_is_granted_that_there_is_not(void **state)
{
    (void)state;
    budget_charge(&f.budget, LIMIT / 2);
    keep(0, LIMIT / 2, 1000);
    assert_false(grant(0));
    assert_int_equal(f.budget.promised_bytes, 0);
    budget_refund(&f.budget, LIMIT / 2);
    assert_true(grant(0));
}

static void test_beginnings_have_a_quarter_of_the_memory(void **state)
{
    (void)state;
    keep(0, LIMIT / 2, LIMIT / 4 - 1000);
    assert_false(admission_is_low(&f.admission));
    assert_true(has_room(5, 1000, true));
    assert_false(has_room(5, 1001, true));
    assert_true(has_room(100, 0, true)); /* small ones have their own share */
    assert_true(grant(0));
    assert_true(has_room(5, 1001, true)); /* granted is counted elsewhere */
    assert_true(admission_is_low(&f.admission));
}

static void test_beginnings_without_merit_have_half_of_that(void **state)
{
    (void)state;
    keep(0, 0, PARTIAL_LARGE_BYTES);
    assert_true(has_room(LIMIT / 8 - PARTIAL_LARGE_BYTES, 0, false));
    assert_false(has_room(LIMIT / 8 - PARTIAL_LARGE_BYTES + 1, 0, false));
    assert_true(has_room(LIMIT / 8 - PARTIAL_LARGE_BYTES + 1, 0, true));
}

/* It leaves the others the rest of the shares. */
static void test_one_host_has_an_eighth_of_the_memory(void **state)
{
    (void)state;
    struct beginning b = {.host = 7, .has_merit = true};
    b.head_bytes = PARTIAL_LARGE_BYTES;
    f.host = 7;
    keep(0, LIMIT / 2, LIMIT / 8 - PARTIAL_LARGE_BYTES - 5);
    assert_true(admission_has_room(&f.admission, &b));
    b.head_bytes++;
    assert_false(admission_has_room(&f.admission, &b));
    b.host = 8;
    assert_true(admission_has_room(&f.admission, &b));
    b.host = 7;
    assert_true(grant(0));
    assert_true(admission_has_room(&f.admission, &b));
}

static void test_beginnings_need_memory(void **state)
{
    (void)state;
    budget_charge(&f.budget, LIMIT);
    assert_true(has_room(101, 0, true)); /* the only one */
    budget_refund(&f.budget, LIMIT);
    keep(0, 0, 10);
    size_t others = LIMIT - 100 - f.budget.used_bytes;
    budget_charge(&f.budget, others);
    assert_true(has_room(100, 0, true));
    assert_false(has_room(101, 0, true));
    budget_refund(&f.budget, others);
}

static void test_unused_grants_go_to_others(void **state)
{
    (void)state;
    keep(0, LIMIT / 2, 1000);
    keep(1, LIMIT / 2, 1000);
    assert_true(grant(0));
    assert_false(grant(1));
    admission_revoke(&f.admission, f.partials[1]); /* it has none */
    assert_int_equal(f.partials[1]->body_state, BODY_WAITING);
    admission_revoke(&f.admission, f.partials[0]);
    assert_int_equal(f.partials[0]->body_state, BODY_REVOKED);
    assert_int_equal(f.budget.promised_bytes, 0);
    assert_true(grant(1));
    assert_false(grant(0));
    admission_release(&f.admission, &f.partials[1]);
    assert_true(grant(0));
    assert_int_equal(f.admission.bytes[ADMISSION_REVOKED], 0);
}

static void test_little_lies_around_without_a_grant(void **state)
{
    (void)state;
    keep(0, LIMIT / 4, LIMIT / 8);
    keep(1, LIMIT / 4, 1000);
    assert_true(grant(0));
    assert_true(grant(1));
    admission_revoke(&f.admission, f.partials[0]);
    admission_revoke(&f.admission, f.partials[1]);
    assert_int_equal(f.partials[0]->body_state, BODY_REVOKED);
    assert_int_equal(f.partials[1]->body_state, BODY_GRANTED);
}

static void test_without_a_limit_all_is_granted(void **state)
{
    (void)state;
    f.budget.limit_bytes = 0;
    for (size_t i = 0; i < PARTIALS; i++) {
        keep(i, 1u << 30, 10000);
        assert_true(has_room(PARTIAL_HEAD_MAX, 10000, false));
        assert_true(grant(i));
    }
    assert_true(admission_is_low(&f.admission));
}

#define ADMISSION_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, open_admission, close_admission)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMISSION_TEST(test_large_messages_share_half_of_the_memory),
        ADMISSION_TEST(test_one_large_message_may_always_be_under_way),
        ADMISSION_TEST(test_nothing_is_granted_that_there_is_not),
        ADMISSION_TEST(test_beginnings_have_a_quarter_of_the_memory),
        ADMISSION_TEST(test_beginnings_without_merit_have_half_of_that),
        ADMISSION_TEST(test_one_host_has_an_eighth_of_the_memory),
        ADMISSION_TEST(test_beginnings_need_memory),
        ADMISSION_TEST(test_unused_grants_go_to_others),
        ADMISSION_TEST(test_little_lies_around_without_a_grant),
        ADMISSION_TEST(test_without_a_limit_all_is_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
