/* SPDX-License-Identifier: MIT
 *
 * Resident memory beyond what is counted is returned to the system where
 * possible, and counted as well where not.
 */
#include "broker/base/footprint.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/allocator.h"
#include "broker/base/process.h"
#include "tests/unit/unit.h"

enum { MIB = 1 << 20, LIMIT = 64 * MIB, PIECE = 1000, PIECES = 56 * 1024 };

struct fixture {
    struct budget budget;
    struct footprint footprint;
    clock_ms now;
    char *pieces[PIECES];
    char *uncounted;
};

static int open_footprint(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->budget.limit_bytes = LIMIT;
    f->now = 12345;
    footprint_init(&f->footprint, &f->budget, f->now);
    *state = f;
    return 0;
}

static int close_footprint(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < PIECES; i++)
        budget_free(&f->budget, f->pieces[i], PIECE);
    free(f->uncounted);
    free(f);
    return 0;
}

static void later(struct fixture *f)
{
    f->now += 10 * 1000;
    footprint_update(&f->footprint, f->now);
}

static void take(struct fixture *f)
{
    for (size_t i = 0; i < PIECES; i++) {
        f->pieces[i] = budget_alloc(&f->budget, PIECE);
        memset(f->pieces[i], 1, PIECE);
    }
}

/* All but one in `share` of them go. */
static void give_back(struct fixture *f, size_t share)
{
    for (size_t i = 0; i < PIECES; i++) {
        if (i % share == 0)
            continue;
        budget_free(&f->budget, f->pieces[i], PIECE);
        f->pieces[i] = NULL;
    }
}

static void take_uncounted(struct fixture *f, size_t bytes)
{
    f->uncounted = malloc(bytes);
    memset(f->uncounted, 1, bytes);
}

static void test_what_is_counted_is_no_waste(void **state)
{
    struct fixture *f = *state;
    take(f);
    later(f);
    assert_true(f->budget.waste_bytes < LIMIT / 32);
}

static void test_what_is_not_counted_is_waste(void **state)
{
    struct fixture *f = *state;
    take(f);
    take_uncounted(f, 5 * MIB);
    later(f);
    assert_true(f->budget.waste_bytes >= 4 * MIB);
    assert_true(f->budget.waste_bytes <= 7 * MIB);
    assert_true(budget_level(&f->budget) ==
                f->budget.used_bytes + f->budget.waste_bytes);
    assert_true(footprint_is_pending(&f->footprint));
}

static void test_waste_is_an_eighth_at_most(void **state)
{
    struct fixture *f = *state;
    take(f);
    take_uncounted(f, 30 * MIB);
    later(f);
    assert_int_equal(f->budget.waste_bytes, LIMIT / 8);
}

static void test_it_is_not_looked_at_all_the_time(void **state)
{
    struct fixture *f = *state;
    take(f);
    later(f);
    uint64_t before = f->budget.waste_bytes;
    take_uncounted(f, 5 * MIB);
    footprint_update(&f->footprint, f->now + FOOTPRINT_BUSY_MS - 1);
    assert_int_equal(f->budget.waste_bytes, before);
    footprint_update(&f->footprint, f->now + FOOTPRINT_BUSY_MS);
    assert_true(f->budget.waste_bytes > before);
}

static void test_there_is_none_while_half_is_free(void **state)
{
    struct fixture *f = *state;
    take(f);
    take_uncounted(f, 5 * MIB);
    later(f);
    give_back(f, 4);
    footprint_update(&f->footprint, f->now);
    assert_int_equal(f->budget.waste_bytes, 0);
}

/* Of a dozen neighbours one stays, so each page or two is free. */
static void test_holes_are_given_back(void **state)
{
    struct fixture *f = *state;
    take(f);
    later(f);
    uint64_t before = process_rss_bytes();
    give_back(f, 12);
    assert_true(footprint_is_pending(&f->footprint));
    later(f);
    assert_false(footprint_is_pending(&f->footprint));
    assert_true(process_rss_bytes() < before - 20 * MIB);
}

#define FOOTPRINT_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, open_footprint, close_footprint)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOOTPRINT_TEST(test_what_is_counted_is_no_waste),
        FOOTPRINT_TEST(test_what_is_not_counted_is_waste),
        FOOTPRINT_TEST(test_waste_is_an_eighth_at_most),
        FOOTPRINT_TEST(test_it_is_not_looked_at_all_the_time),
        FOOTPRINT_TEST(test_there_is_none_while_half_is_free),
        FOOTPRINT_TEST(test_holes_are_given_back),
    };
    allocator_init();
    if (!allocator_is_plain())
        return 0; /* resident memory says nothing then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
