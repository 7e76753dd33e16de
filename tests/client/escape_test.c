/* SPDX-License-Identifier: MIT
 *
 * No message controls a terminal: text passes, everything else becomes \xNN.
 */
#include "client/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Shows an exact-size copy, so that a sanitizer sees every byte too far. */
static const char *shown(const char *text, size_t n)
{
    static char out[256];
    size_t used = 0;
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    for (size_t at = 0; at < n;) {
        size_t length;
        at += escape_next(copy + at, n - at, out + used, &length);
        used += length;
        assert_true(at <= n && used < sizeof out - ESCAPE_BYTES);
    }
    free(copy);
    out[used] = '\0';
    return out;
}

#define SHOWN(text) shown(text, sizeof(text) - 1)

static void test_text_passes(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("plain, \ttab \\ ~"), "plain, \ttab \\ ~");
    assert_string_equal(SHOWN("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
                        "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void test_control_characters_do_not(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("\x1b[2J\r\n\a"), "\\x1b[2J\\x0d\\x0a\\x07");
    assert_string_equal(SHOWN("a\0b\x7f"), "a\\x00b\\x7f");
    /* C1, as a byte and as UTF-8: CSI without an escape character */
    assert_string_equal(SHOWN("\x9b"
                              "2J\xc2\x9b"
                              "2J"),
                        "\\x9b2J\\xc2\\x9b2J");
}

/* Each with a neighbour that is seen: the ends of the ranges. */
static void test_no_message_reverses_a_line_or_hides_in_it(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("a\xe2\x80\xae"
                              "b\xe2\x81\xa6"),
                        "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6");
    assert_string_equal(SHOWN("\xc2\xad\xc2\xae"), "\\xc2\\xad\xc2\xae");
    assert_string_equal(SHOWN("\xd8\x9c"), "\\xd8\\x9c");
    assert_string_equal(SHOWN("\xe2\x80\x8a\xe2\x80\x8b"),
                        "\xe2\x80\x8a\\xe2\\x80\\x8b");
    assert_string_equal(SHOWN("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");
    assert_string_equal(SHOWN("\xf3\xa0\x80\xa0\xf3\xa0\x81\xbf"),
                        "\\xf3\\xa0\\x80\\xa0\\xf3\\xa0\\x81\\xbf");
    assert_string_equal(SHOWN("\xf3\xa0\x82\x80"), "\xf3\xa0\x82\x80");
}

static void test_what_is_not_utf8_does_not(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("\xff\xc3"), "\\xff\\xc3");
    assert_string_equal(SHOWN("\xc3(\xe2\x82"), "\\xc3(\\xe2\\x82");
    /* an escape character written in two, three and four bytes */
    assert_string_equal(SHOWN("\xc0\x9b"), "\\xc0\\x9b");
    assert_string_equal(SHOWN("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
    assert_string_equal(SHOWN("\xf0\x80\x80\x9b"), "\\xf0\\x80\\x80\\x9b");
    assert_string_equal(SHOWN("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    assert_string_equal(SHOWN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

/* And what is cut off is never a part of what one character is shown as. */
static void test_text_is_cut_where_room_ends(void **state)
{
    (void)state;
    char out[12];
    escape_text("a\x1b[2J", out, sizeof out);
    assert_string_equal(out, "a\\x1b[2J");
    escape_text("abcd\x1b\x1b\x1b", out, sizeof out);
    assert_string_equal(out, "abcd\\x1b");
    escape_text("", out, sizeof out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_passes),
        cmocka_unit_test(test_control_characters_do_not),
        cmocka_unit_test(test_no_message_reverses_a_line_or_hides_in_it),
        cmocka_unit_test(test_what_is_not_utf8_does_not),
        cmocka_unit_test(test_text_is_cut_where_room_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
