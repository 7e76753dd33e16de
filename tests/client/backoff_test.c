/* SPDX-License-Identifier: MIT
 *
 * Pauses between attempts to connect grow, stay bounded, differ from one
 * listener to the next, and start small again.
 */
#include "client/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_the_ceiling_doubles_up_to_ten_seconds(void **state)
{
    (void)state;
    static const int ceilings[] = {250,  500,   1000,  2000, 4000,
                                   8000, 10000, 10000, 10000};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct backoff b;
        backoff_init(&b, seed);
        for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++) {
            int pause = backoff_next_ms(&b);
            assert_in_range(pause, 1, ceilings[i]);
        }
    }
}

static void test_listeners_spread(void **state)
{
    (void)state;
    int sum = 0, early = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct backoff b;
        backoff_init(&b, seed * UINT64_C(0x9e3779b97f4a7c15));
        int pause = backoff_next_ms(&b);
        sum += pause;
        early += pause < 125;
    }
    assert_in_range(sum / 1000, 100, 170);
    assert_in_range(early, 300, 600);
}

static void test_reset_starts_small_again(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 7);
    for (int i = 0; i < 20; i++)
        backoff_next_ms(&b);
    backoff_reset(&b);
    assert_in_range(backoff_next_ms(&b), 1, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ceiling_doubles_up_to_ten_seconds),
        cmocka_unit_test(test_listeners_spread),
        cmocka_unit_test(test_reset_starts_small_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
