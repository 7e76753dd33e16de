/* SPDX-License-Identifier: MIT
 *
 * A pattern is compared segment by segment, and a name made of the wildcard
 * characters is a name like any other.
 */
#include "broker/core/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *pattern, *name;
    bool matches;
} rows[] = {
    {"**", "", true},
    {"**", "/any/thing", true},
    {"*", "t", true},
    {"*", "", true},
    {"*", "/t", false},
    {"/queue/*", "/queue/a", true},
    {"/queue/*", "/queue/", true},
    {"/queue/*", "/queue", false},
    {"/queue/*", "/queue/a/b", false},
    {"/queue/**", "/queue/a/b", true},
    {"/queue/**", "/queue/", true},
    {"/queue/**", "/queuefoo", false},
    {"/*/b", "/a/b", true},
    {"/*/b", "/a/c", false},
    {"/*/b", "/b", false},
    {"/a", "/a", true},
    {"/a", "/A", false},
    {"/a", "/a/", false},
    {"/a", "/ab", false},
    {"/ab", "/a", false},
    {"/a/*", "/a/**", true},
    {"/a/b", "/a/*", false},
};

static void test_patterns_match_by_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        /* Its exact size, so that a read beyond it is seen. */
        size_t n = strlen(rows[i].name);
        uint8_t *name = malloc(n + (n == 0));
        memcpy(name, rows[i].name, n);
        assert_true(pattern_is_valid(rows[i].pattern));
        if (pattern_matches(rows[i].pattern, name, n) != rows[i].matches)
            fail_msg("%s and '%s'", rows[i].pattern, rows[i].name);
        free(name);
    }
}

static void test_names_are_bytes(void **state)
{
    (void)state;
    static const uint8_t name[] = {'/', 'a', 0, 'b'};
    assert_true(pattern_matches("/*", name, sizeof name));
    assert_false(pattern_matches("/a", name, sizeof name));
}

static void test_what_is_no_pattern(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "/a*", "*a",   "/**/a",
                                        "a**", "***", "/*b*", "/**a"};
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
        assert_false(pattern_is_valid(wrong[i]));
    char longest[257];
    memset(longest, 'a', 256);
    longest[256] = '\0';
    assert_false(pattern_is_valid(longest));
    longest[255] = '\0';
    assert_true(pattern_is_valid(longest));
}

/* One pass over the name, whatever the pattern: this ends. */
static void test_worst_case_is_one_pass(void **state)
{
    (void)state;
    char pattern[256];
    uint8_t name[255];
    memset(name, '/', sizeof name);
    for (size_t i = 0; i < 254; i++)
        pattern[i] = i % 2 ? '/' : '*';
    strcpy(pattern + 254, "b");
    for (int i = 0; i < 10000; i++)
        assert_false(pattern_matches(pattern, name, sizeof name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_by_segments),
        cmocka_unit_test(test_names_are_bytes),
        cmocka_unit_test(test_what_is_no_pattern),
        cmocka_unit_test(test_worst_case_is_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
