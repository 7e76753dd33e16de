/* SPDX-License-Identifier: MIT
 *
 * The statistics of ping, against numbers worked out by hand.
 */
#include "client/round_trips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROUND_TRIPS_DIGITS = 1000000 };

/* cmocka compares no doubles that we could rely on everywhere. */
#define assert_close(a, b)                                                     \
    assert_int_equal((int64_t)((a)*ROUND_TRIPS_DIGITS + 0.5),                  \
                     (int64_t)((b)*ROUND_TRIPS_DIGITS + 0.5))

static void add_all(struct round_trips *r, const double *times_ms, int n)
{
    for (int i = 0; i < n; i++) {
        r->sent++;
        round_trips_add(r, times_ms[i]);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    struct round_trips r = {0};
    assert_close(round_trips_deviation_ms(&r), 0);
    assert_close(round_trips_lost_percent(&r), 0);
}

static void test_a_few(void **state)
{
    (void)state;
    struct round_trips r = {0};
    add_all(&r, (const double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8);
    assert_close(r.least_ms, 2);
    assert_close(r.most_ms, 9);
    assert_close(r.mean_ms, 5);
    assert_close(round_trips_deviation_ms(&r), 2);
}

/* A sum of squares would have no digits left for the deviation. */
static void test_long_and_alike(void **state)
{
    (void)state;
    struct round_trips r = {0};
    add_all(&r, (const double[]){1e9, 1e9 + 1, 1e9 + 2}, 3);
    assert_close(r.mean_ms - 1e9, 1);
    assert_close(round_trips_deviation_ms(&r), 0.816497);
}

static void test_losses(void **state)
{
    (void)state;
    struct round_trips r = {.sent = 8};
    round_trips_add(&r, 1);
    assert_close(round_trips_lost_percent(&r), 87.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_a_few),
        cmocka_unit_test(test_long_and_alike),
        cmocka_unit_test(test_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
