/* SPDX-License-Identifier: MIT
 *
 * figure: three digits and a unit, whatever the number.
 */
#include "client/top/figure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    double value;
    const char *shown;
};

static void assert_rows(const struct row *row,
                        void (*figure)(char out[FIGURE_BYTES], double value))
{
    for (; row->shown; row++) {
        char out[FIGURE_BYTES];
        figure(out, row->value);
        assert_string_equal(out, row->shown);
    }
}

static void test_counts(void **state)
{
    static const struct row rows[] = {
        {0, "0"},         {999, "999"},     {999.6, "1.00k"},  {1000, "1.00k"},
        {9994, "9.99k"},  {9996, "10.0k"},  {12345, "12.3k"},  {99949, "99.9k"},
        {99960, "100k"},  {999499, "999k"}, {999501, "1.00M"}, {5e12, "5.00T"},
        {5e16, "50000T"}, {.shown = NULL},
    };
    (void)state;
    assert_rows(rows, figure_count);
}

static void test_bytes(void **state)
{
    static const struct row rows[] = {
        {512, "512"},
        {1024, "1.00K"},
        {1536, "1.50K"},
        {256.0 * 1024 * 1024, "256M"},
        {1024.0 * 1024 * 1024, "1.00G"},
        {.shown = NULL},
    };
    (void)state;
    assert_rows(rows, figure_bytes);
}

static void test_ages(void **state)
{
    static const struct row rows[] = {
        {0, "-"},      {80, "80ms"},    {1500, "1.5s"},     {99000, "99.0s"},
        {120e3, "2m"}, {3600e3, "60m"}, {2 * 3600e3, "2h"}, {.shown = NULL},
    };
    (void)state;
    assert_rows(rows, figure_age);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
