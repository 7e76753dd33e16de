/* SPDX-License-Identifier: MIT
 *
 * Any bytes become a text that is valid, printable, and leads back to them.
 */
#include "common/percent.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { ROOM = 1024 };

static const struct {
    const char *name, *text;
} rows[] = {
    {"/topic/foo", "/topic/foo"},
    {"/topic/100%", "/topic/100%25"},
    {"a b\"c\\d<e>", "a b\"c\\d<e>"},
    {"line\nend\r\t\x1b\x7f", "line%0Aend%0D%09%1B%7F"},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    {"\xf0\x9f\x90\xa6", "\xf0\x9f\x90\xa6"},
    /* Not UTF-8: cut off, too long, surrogates, beyond the last. */
    {"a\xc3", "a%C3"},
    {"\xff\xfe", "%FF%FE"},
    {"\xc0\xaf", "%C0%AF"},
    {"\xe0\x80\xaf", "%E0%80%AF"},
    {"\xed\xa0\x80", "%ED%A0%80"},
    {"\xf4\x90\x80\x80", "%F4%90%80%80"},
    {"\x80", "%80"},
    /* UTF-8, but nothing to be seen, or made to deceive. */
    {"\xc2\x85", "%C2%85"},
    {"a\xe2\x80\xae"
     "b",
     "a%E2%80%AEb"},
    {"\xe2\x80\xa8", "%E2%80%A8"},
    {"\xef\xbb\xbf", "%EF%BB%BF"},
    {"\xef\xbf\xbe", "%EF%BF%BE"},
};

static void test_each_row_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[ROOM];
        uint8_t name[ROOM];
        size_t n = strlen(rows[i].name), m;
        size_t length =
            percent_encode((const uint8_t *)rows[i].name, n, text, ROOM);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
        assert_true(percent_decode(text, length, name, ROOM, &m));
        assert_int_equal(m, n);
        assert_memory_equal(name, rows[i].name, n);
    }
}

static void test_nul_is_a_byte_like_any_other(void **state)
{
    (void)state;
    char text[ROOM];
    assert_int_equal(percent_encode((const uint8_t *)"a\0b", 3, text, ROOM), 5);
    assert_string_equal(text, "a%00b");
}

static void test_random_bytes_lead_back(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        uint8_t name[255], again[255];
        char text[ROOM];
        size_t n = (size_t)rand() % sizeof name, m = 0;
        for (size_t i = 0; i < n; i++)
            name[i] = (uint8_t)rand();
        size_t length = percent_encode(name, n, text, ROOM);
        assert_true(percent_decode(text, length, again, sizeof again, &m));
        assert_int_equal(m, n);
        assert_memory_equal(again, name, n);
    }
}

/* One channel has one topic: only one spelling of a name is accepted. */
static void test_other_spellings_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"%",    "%2",  "%2f", "%2F", "%zz",
                                        "\xff", "a\n", "%41", "100%"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t name[ROOM];
        size_t n;
        assert_false(
            percent_decode(wrong[i], strlen(wrong[i]), name, ROOM, &n));
    }
}

static void test_room_is_kept(void **state)
{
    (void)state;
    char text[8];
    uint8_t name[3];
    size_t n;
    memset(text, 'x', sizeof text);
    assert_int_equal(percent_encode((const uint8_t *)"a\xff\xff", 3, text, 6),
                     4);
    assert_string_equal(text, "a%FF");
    assert_int_equal(text[6], 'x');
    assert_false(percent_decode("abcd", 4, name, sizeof name, &n));
}

static void test_any_escape_can_be_undone(void **state)
{
    (void)state;
    static const char text[] = "%2fa%2F b%00%";
    uint8_t out[8];
    size_t n;
    assert_true(percent_unescape(text, 12, out, sizeof out, &n));
    assert_int_equal(n, 6);
    assert_memory_equal(out, "/a/ b\0", 6);
    assert_false(percent_unescape(text, 13, out, sizeof out, &n));
    assert_false(percent_unescape("%4g", 3, out, sizeof out, &n));
    assert_false(percent_unescape("abc", 3, out, 2, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_both_ways),
        cmocka_unit_test(test_nul_is_a_byte_like_any_other),
        cmocka_unit_test(test_random_bytes_lead_back),
        cmocka_unit_test(test_other_spellings_are_refused),
        cmocka_unit_test(test_room_is_kept),
        cmocka_unit_test(test_any_escape_can_be_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
