/* SPDX-License-Identifier: MIT
 *
 * The tables of the conformance suite that need no broker: heads, spellings
 * and patterns are what every implementation makes of them.
 */
#include <jansson.h>
#include <string.h>

#include "proto/head.h"
#include "proto/pattern.h"
#include "proto/spelling.h"
#include "tests/unit/unit.h"

static int open_vectors(void **state)
{
    json_error_t error;
    *state = json_load_file(SLUICE_VECTORS, JSON_ALLOW_NUL, &error);
    return *state == NULL;
}

static int close_vectors(void **state)
{
    json_decref(*state);
    return 0;
}

static const char *text_of(json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static unsigned hex_digit(char c)
{
    return (unsigned)(strchr("0123456789abcdef", c) - "0123456789abcdef");
}

/* The octets of a field in hexadecimal. */
static size_t octets_of(json_t *row, const char *key, uint8_t out[HEAD_MAX])
{
    const char *hex = text_of(row, key);
    size_t n = strlen(hex) / 2;
    assert_in_range(n, 0, HEAD_MAX);
    for (size_t i = 0; i < n; i++)
        out[i] =
            (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return n;
}

static void assert_span(struct span span, json_t *expected)
{
    assert_non_null(json_string_value(expected));
    assert_true(span_is(span, span_of(json_string_value(expected))));
}

/* Options that this program does not know are in the table, not in `h`. */
static void check_options(const struct head *h, json_t *expected)
{
    const char *name;
    json_t *value;
    uint32_t found = 0;
    json_object_foreach(expected, name, value)
    {
        enum unit_option option =
            unit_option_find(span_of(name + (*name == '?')));
        if (option == UNIT_OPTION_COUNT)
            continue;
        assert_true(head_has(h, option));
        assert_span(h->values[option], value);
        found |= UINT32_C(1) << option;
    }
    assert_int_equal(h->options, found);
}

static void check_head(const struct head *h, json_t *row)
{
    json_t *args = json_object_get(row, "args");
    json_t *headers = json_object_get(row, "headers");
    assert_string_equal(verbs[h->verb].name, text_of(row, "verb"));
    assert_int_equal(h->argument_count, json_array_size(args));
    for (size_t i = 0; i < h->argument_count; i++)
        assert_span(h->arguments[i], json_array_get(args, i));
    check_options(h, json_object_get(row, "options"));
    assert_int_equal(h->header_count, json_array_size(headers));
    for (size_t i = 0; i < h->header_count; i++) {
        json_t *pair = json_array_get(headers, i);
        assert_span(h->headers[i].name, json_array_get(pair, 0));
        assert_span(h->headers[i].value, json_array_get(pair, 1));
    }
}

static void test_heads_are_what_the_vectors_say(void **state)
{
    json_t *rows = json_object_get(*state, "heads"), *row;
    size_t i;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row)
    {
        uint8_t bytes[HEAD_MAX];
        struct head h;
        uint32_t n = (uint32_t)octets_of(row, "hex", bytes);
        const char *error = text_of(row, "error");
        assert_string_equal(unit_error_code(head_parse(&h, bytes, n)),
                            error ? error : "");
        if (!error)
            check_head(&h, row);
    }
}

static void test_spellings_are_what_the_vectors_say(void **state)
{
    json_t *rows = json_object_get(*state, "escape"), *row;
    size_t i;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row)
    {
        uint8_t raw[HEAD_MAX], back[CHANNEL_NAME_MAX];
        char text[SPELLING_CHANNEL_MAX];
        size_t n = octets_of(row, "raw_hex", raw), got;
        struct span argument = {text, 0};
        argument.length = (uint32_t)spelling_write_channel(text, raw, n);
        assert_span(argument, json_object_get(row, "argument"));
        assert_true(spelling_read_channel(back, &got, argument));
        assert_int_equal(got, n);
        assert_memory_equal(back, raw, n);
    }
}

static void test_patterns_match_what_the_vectors_say(void **state)
{
    json_t *rows = json_object_get(*state, "match"), *row;
    size_t i;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row)
    {
        const char *text = text_of(row, "pattern");
        uint8_t name[HEAD_MAX];
        struct pattern p;
        bool is_pattern = !text_of(row, "error");
        if (pattern_read(&p, span_of(text)) != is_pattern)
            fail_msg("%s", text);
        if (!is_pattern)
            continue;
        size_t n = octets_of(row, "channel_hex", name);
        bool expected = json_is_true(json_object_get(row, "match"));
        if (pattern_matches(&p, name, n) != expected)
            fail_msg("%s and %.*s", text, (int)n, (const char *)name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_are_what_the_vectors_say),
        cmocka_unit_test(test_spellings_are_what_the_vectors_say),
        cmocka_unit_test(test_patterns_match_what_the_vectors_say),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
