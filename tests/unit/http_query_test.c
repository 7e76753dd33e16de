/* SPDX-License-Identifier: MIT
 *
 * A parameter is found by its whole name and decoded, and what is not well
 * written is refused.
 */
#include "common/http_query.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *query, *name;
    const char *value; /* NULL: refused */
} rows[] = {
    {"a=1", "a", "1"},
    {"a=1&b=2", "b", "2"},
    {"b=1&ab=2&a=3", "a", "3"},
    {"a=1&a=2", "a", "1"},
    {"a=", "a", ""},
    {"a=b=c", "a", "b=c"},
    {"a=/queue/jobs", "a", "/queue/jobs"},
    {"a=%2Fq%20x+y", "a", "/q x+y"},
    {"&&a=1&", "a", "1"},
    {"", "a", NULL},
    {"a", "a", NULL},
    {"aa=1", "a", NULL},
    {"a=%2", "a", NULL},
    {"a=%zz", "a", NULL},
    {"a=123456789", "a", NULL}, /* no room */
};

static void test_each_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        uint8_t out[32] = {0};
        size_t room = strncmp(rows[i].query, "a=1234", 6) == 0 ? 8 : 31, n;
        bool is_good =
            http_query_bytes(rows[i].query, rows[i].name, out, room, &n);
        assert_int_equal(is_good, rows[i].value != NULL);
        if (!is_good)
            continue;
        assert_int_equal(n, strlen(rows[i].value));
        assert_memory_equal(out, rows[i].value, n);
    }
}

static const struct {
    const char *query;
    bool is_good;
    uint64_t value;
} numbers[] = {
    {"", true, 7},
    {"n=", true, 7},
    {"n=0", true, 0},
    {"n=1000", true, 1000},
    {"n=1001", false, 0},
    {"n=-1", false, 0},
    {"n=1x", false, 0},
    {"n=18446744073709551616", false, 0},
    {"n=000000000000000000001", false, 0},
};

static void test_each_number(void **state)
{
    (void)state;
    uint64_t value;
    for (size_t i = 0; i < UNIT_COUNT(numbers); i++) {
        bool is_good =
            http_query_number(numbers[i].query, "n", 7, 1000, &value);
        assert_int_equal(is_good, numbers[i].is_good);
        if (is_good)
            assert_int_equal(value, numbers[i].value);
    }
    assert_true(http_query_number("n=18446744073709551615", "n", 0, UINT64_MAX,
                                  &value));
    assert_int_equal(value, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value),
        cmocka_unit_test(test_each_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
