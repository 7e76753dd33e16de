/* SPDX-License-Identifier: MIT
 *
 * Who fails too often waits, and delays nobody from elsewhere.
 */
#include "broker/auth/failures.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/auth_rig.h"
#include "tests/unit/unit.h"

static const uint64_t start = 5000000000u; /* beyond 32 bits */

static int set_up(void **state)
{
    *state = malloc(sizeof(struct failures));
    assert_non_null(*state);
    failures_init(*state);
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void test_ten_at_once_then_one_a_second(void **state)
{
    struct failures *f = *state;
    struct network a = rig_peer("192.0.2.1");
    for (unsigned i = 0; i < FAILURES_AT_ONCE; i++) {
        assert_int_equal(failures_wait_ms(f, &a, start), 0);
        failures_add(f, &a, start);
    }
    assert_int_equal(failures_wait_ms(f, &a, start), 1000);
    assert_int_equal(failures_wait_ms(f, &a, start + 400), 600);
    assert_int_equal(failures_wait_ms(f, &a, start + 1000), 0);
    failures_add(f, &a, start + 1000);
    assert_int_equal(failures_wait_ms(f, &a, start + 1000), 1000);
    assert_int_equal(failures_wait_ms(f, &a, start + 60000), 0);
}

static void test_others_do_not_wait(void **state)
{
    struct failures *f = *state;
    struct network a = rig_peer("192.0.2.1"), b = rig_peer("192.0.2.2");
    for (unsigned i = 0; i < 100; i++)
        failures_add(f, &a, start);
    assert_true(failures_wait_ms(f, &a, start) > 0);
    assert_int_equal(failures_wait_ms(f, &b, start), 0);
}

/* Whoever has one address of IPv6 mostly has 2^64. */
static void test_a_source_of_ipv6_has_64_bits(void **state)
{
    (void)state;
    struct network a = rig_peer("2001:db8:1:2:3::4"),
                   b = rig_peer("2001:db8:1:2:ffff::"),
                   c = rig_peer("2001:db8:1:3::"), d = rig_peer("192.0.2.1");
    a = failures_source_of(&a);
    b = failures_source_of(&b);
    c = failures_source_of(&c);
    assert_int_equal(network_compare(&a, &b), 0);
    assert_int_not_equal(network_compare(&a, &c), 0);
    assert_int_equal(failures_source_of(&d).bits, 32);
}

/* The table is full of others, and those that failed last are in it. */
static void test_the_oldest_source_gives_way(void **state)
{
    struct failures *f = *state;
    char text[32];
    for (unsigned i = 0; i < 4 * FAILURES_SOURCES; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255,
                 i & 255);
        struct network source = rig_peer(text);
        failures_add(f, &source, start + i);
    }
    struct network last = rig_peer(text);
    for (unsigned i = 1; i < FAILURES_AT_ONCE; i++)
        failures_add(f, &last, start + 4 * FAILURES_SOURCES);
    assert_true(failures_wait_ms(f, &last, start + 4 * FAILURES_SOURCES) > 0);
}

static void test_a_source_that_has_failed_is_a_suspect_for_a_while(void **state)
{
    struct failures *f = *state;
    struct network a = rig_peer("192.0.2.1"), b = rig_peer("192.0.2.2");
    assert_false(failures_suspect(f, &a, start));
    failures_add(f, &a, start);
    assert_true(failures_suspect(f, &a, start + FAILURES_SUSPECT_MS));
    assert_false(failures_suspect(
        f, &a, start + FAILURES_INTERVAL_MS + FAILURES_SUSPECT_MS));
    assert_false(failures_suspect(f, &b, start));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ten_at_once_then_one_a_second,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others_do_not_wait, set_up,
                                        tear_down),
        cmocka_unit_test(test_a_source_of_ipv6_has_64_bits),
        cmocka_unit_test_setup_teardown(
            test_a_source_that_has_failed_is_a_suspect_for_a_while, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_source_gives_way,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
