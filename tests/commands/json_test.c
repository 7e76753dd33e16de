/* SPDX-License-Identifier: MIT
 *
 * JSON strings: text as it is, controls escaped, everything else in base64.
 */
#include "client/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef size_t next_function(const uint8_t *, size_t, char *, size_t *);

/* Shows an exact-size copy, so that a sanitizer sees every byte too far. */
static const char *shown(next_function *next, const char *text, size_t n)
{
    static char out[256];
    size_t used = 0;
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    for (size_t at = 0; at < n;) {
        size_t length;
        at += next(copy + at, n - at, out + used, &length);
        used += length;
        assert_true(at <= n && used < sizeof out - JSON_BYTES);
    }
    free(copy);
    out[used] = '\0';
    return out;
}

#define TEXT(text)    shown(json_next_text, text, sizeof(text) - 1)
#define BASE64(text)  shown(json_next_base64, text, sizeof(text) - 1)
#define IS_TEXT(text) json_is_text((const uint8_t *)(text), sizeof(text) - 1)

static void test_text(void **state)
{
    (void)state;
    assert_string_equal(TEXT("plain \xc3\xa4 /"), "plain \xc3\xa4 /");
    assert_string_equal(TEXT("\"\\"), "\\\"\\\\");
    assert_string_equal(TEXT("\t\r\n"), "\\t\\r\\n");
    assert_string_equal(TEXT("\0\x1b\x7f"), "\\u0000\\u001b\\u007f");
}

/* It stays text, so that a reader need not decode base64 for an emoji. */
static void test_format_characters_are_escaped_in_text(void **state)
{
    (void)state;
    assert_string_equal(TEXT("a\xe2\x80\xae!"), "a\\u202e!");
    assert_string_equal(TEXT("\xf3\xa0\x81\xbf"), "\\udb40\\udc7f");
    assert_true(IS_TEXT("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7"));
}

/* RFC 4648, section 10 */
static void test_base64(void **state)
{
    (void)state;
    assert_string_equal(BASE64("f"), "Zg==");
    assert_string_equal(BASE64("fo"), "Zm8=");
    assert_string_equal(BASE64("foo"), "Zm9v");
    assert_string_equal(BASE64("foobar"), "Zm9vYmFy");
    assert_string_equal(BASE64("\xfb\xff\xfe"), "+//+");
}

static void test_what_is_text(void **state)
{
    (void)state;
    assert_true(IS_TEXT(""));
    assert_true(IS_TEXT("a\0b\n\x1b\x7f \xe2\x82\xac"));
    assert_false(IS_TEXT("\xff"));
    assert_false(IS_TEXT("cut \xe2\x82"));
    assert_false(IS_TEXT("C1 \xc2\x9b"));
    assert_false(IS_TEXT("surrogate \xed\xa0\x80"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_format_characters_are_escaped_in_text),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_what_is_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
