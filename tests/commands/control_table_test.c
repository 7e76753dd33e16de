/* SPDX-License-Identifier: MIT
 *
 * The pages of a list become one table, and what is not a page is refused.
 */
#include "client/control_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct control_table table;

static int end(void **state)
{
    (void)state;
    control_table_free(&table);
    return 0;
}

static bool add(const char *text, uint64_t *after)
{
    return control_table_add(&table, strdup(text), after);
}

static void test_pages_become_one_table(void **state)
{
    (void)state;
    uint64_t after;
    assert_true(add("name\tn\nb\t10\n# x\t9\n# after=77\n", &after));
    assert_int_equal(after, 77);
    assert_true(add("name\tn\na\t\n", &after));
    assert_int_equal(after, 0);
    assert_int_equal(table.rows, 3);
    size_t n = control_table_column(&table, "n");
    assert_string_equal(control_table_cell(&table, 1, n), "9");
    assert_string_equal(control_table_cell(&table, 2, n), "");
    assert_int_equal(control_table_column(&table, "none"), SIZE_MAX);
    assert_string_equal(control_table_cell(&table, 0, SIZE_MAX), "");
}

static void check_column(size_t column, const char *first, const char *last)
{
    assert_string_equal(control_table_cell(&table, 0, column), first);
    assert_string_equal(control_table_cell(&table, table.rows - 1, column),
                        last);
}

static void test_rows_are_sorted_as_text_or_numbers(void **state)
{
    (void)state;
    uint64_t after;
    assert_true(add("name\tn\nb\t10\nc\t9\na\t100\n", &after));
    control_table_sort(&table, 0, false);
    check_column(0, "a", "c");
    control_table_sort(&table, 1, true);
    check_column(1, "9", "100");
    control_table_sort(&table, 1, false);
    check_column(1, "10", "9");
}

static void test_rows_can_be_taken_out(void **state)
{
    (void)state;
    uint64_t after;
    assert_true(add("n\tm\n1\ta\n2\tb\n3\tc\n", &after));
    control_table_remove(&table, 0);
    control_table_remove(&table, 1);
    assert_int_equal(table.rows, 1);
    assert_string_equal(control_table_cell(&table, 0, 1), "c");
}

static void test_what_is_no_page_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "name\tn",             /* no line end */
        "name\tn\nb\n",        /* too few fields */
        "name\tn\nb\t1\t2\n",  /* too many */
        "name\tn\n# before\n", /* neither a row nor a place */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t after;
        assert_false(add(wrong[i], &after));
        end(state);
    }
    uint64_t after;
    assert_true(add("a\tb\n", &after));
    assert_false(add("a\tb\tc\n", &after)); /* unlike the first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_pages_become_one_table, end),
        cmocka_unit_test_teardown(test_rows_are_sorted_as_text_or_numbers, end),
        cmocka_unit_test_teardown(test_rows_can_be_taken_out, end),
        cmocka_unit_test_teardown(test_what_is_no_page_is_refused, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
