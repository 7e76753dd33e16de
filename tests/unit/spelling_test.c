/* SPDX-License-Identifier: MIT
 *
 * A channel as it is written means just this channel when it is read again,
 * and is one token of visible ASCII, whatever octets it has.
 */
#include "proto/spelling.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* The rule of the specification in other words: 0x21 to 0x7e stand for
 * themselves, but for '%', '=', '*' and an '@' in front. */
static size_t spell(char *out, const uint8_t *name, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_plain = name[i] > 0x20 && name[i] < 0x7f &&
                        !strchr(i == 0 ? "%=*@" : "%=*", name[i]);
        static const char hex[] = "0123456789ABCDEF";
        if (is_plain) {
            out[n++] = (char)name[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[name[i] / 16];
        out[n++] = hex[name[i] % 16];
    }
    return n;
}

/* A copy of its exact size, where the sanitizer sees a read beyond it. */
static struct span exact(const char *text, size_t length)
{
    char *copy = malloc(length + (length == 0));
    assert_non_null(copy);
    memcpy(copy, text, length);
    return (struct span){copy, (uint32_t)length};
}

static void check_round_trip(const uint8_t *name, size_t length)
{
    char expected[SPELLING_CHANNEL_MAX], text[SPELLING_CHANNEL_MAX];
    uint8_t back[CHANNEL_NAME_MAX];
    size_t n = spell(expected, name, length), got;
    assert_int_equal(spelling_write_channel(text, name, length), n);
    assert_memory_equal(text, expected, n);
    struct span copy = exact(text, n);
    assert_true(spelling_read_channel(back, &got, copy));
    assert_int_equal(got, length);
    assert_memory_equal(back, name, length);
    free((char *)copy.text);
}

static void test_every_octet_comes_back_wherever_it_is(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t name[] = {(uint8_t)a, (uint8_t)b};
            check_round_trip(name, 1);
            check_round_trip(name, 2);
        }
}

static void test_the_longest_name_fits(void **state)
{
    (void)state;
    uint8_t name[CHANNEL_NAME_MAX];
    for (size_t n = 1; n <= sizeof name; n++) {
        memset(name, 0xff, n);
        check_round_trip(name, n);
    }
}

static const struct {
    const char *text, *octets;
    size_t length; /* of octets; 0: it is no channel */
} channels[] = {
    {"/a", "/a", 2},   {"/a%2fb", "/a/b", 4}, {"/a%2Fb", "/a/b", 4},
    {"%2fa", "/a", 2}, {"%00", "\0", 1},      {"%2A", "*", 1},
    {"%40x", "@x", 2}, {"a@x", "a@x", 3},     {"?x", "?x", 2},
    {"", NULL, 0},     {"@x", NULL, 0},       {"@", NULL, 0},
    {"/*", NULL, 0},   {"a*b", NULL, 0},
};

static void test_what_a_channel_is_written_like(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(channels); i++) {
        uint8_t name[CHANNEL_NAME_MAX];
        size_t n = 0;
        struct span text = exact(channels[i].text, strlen(channels[i].text));
        bool is_channel = spelling_read_channel(name, &n, text);
        if (is_channel != (channels[i].length > 0) || n != channels[i].length)
            fail_msg("%s", channels[i].text);
        assert_memory_equal(name, channels[i].octets ? channels[i].octets : "",
                            channels[i].length);
        free((char *)text.text);
    }
}

static void test_a_name_has_255_octets_however_it_is_spelled(void **state)
{
    (void)state;
    char text[3 * 256];
    uint8_t name[CHANNEL_NAME_MAX];
    size_t n;
    for (size_t i = 0; i < sizeof text; i += 3)
        memcpy(text + i, "%61", 3);
    assert_true(spelling_read_channel(name, &n, (struct span){text, 3 * 255}));
    assert_int_equal(n, 255);
    assert_false(spelling_read_channel(name, &n, (struct span){text, 3 * 256}));
    memset(text, 'a', sizeof text);
    assert_true(spelling_read_channel(name, &n, (struct span){text, 255}));
    assert_false(spelling_read_channel(name, &n, (struct span){text, 256}));
    assert_false(spelling_read_channel(name, &n, (struct span){text, 768}));
}

static void test_a_value_keeps_what_only_channels_lose(void **state)
{
    (void)state;
    static const char value[] = "a=b*@ %\xc3\xa9\n";
    static const char expected[] = "a=b*@%20%25%C3%A9%0A";
    char text[3 * sizeof value];
    uint8_t back[sizeof text];
    size_t n = spelling_write_value(text, value, sizeof value - 1);
    assert_int_equal(n, sizeof expected - 1);
    assert_memory_equal(text, expected, n);
    struct span copy = exact(text, n);
    assert_int_equal(spelling_read(back, copy), sizeof value - 1);
    assert_memory_equal(back, value, sizeof value - 1);
    free((char *)copy.text);
}

static void test_reads_in_place(void **state)
{
    (void)state;
    char text[] = "%41b%43";
    size_t n = spelling_read((uint8_t *)text, span_of(text));
    assert_int_equal(n, 3);
    assert_memory_equal(text, "AbC", 3);
}

static const struct {
    const char *text;
    bool is_address;
} addresses[] = {
    {"@a", true},     {"@Zk3vQ0aX9_tLr2mB", true},
    {"@a.b-C", true}, {"@", false},
    {"", false},      {"a", false},
    {"@a/b", false},  {"@a%20", false},
    {"@@", false},
};

static void test_reply_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(addresses); i++)
        assert_int_equal(spelling_is_address(span_of(addresses[i].text)),
                         addresses[i].is_address);
    char longest[66];
    memset(longest, 'x', sizeof longest);
    longest[0] = '@';
    assert_true(spelling_is_address((struct span){longest, 65}));
    assert_false(spelling_is_address((struct span){longest, 66}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_octet_comes_back_wherever_it_is),
        cmocka_unit_test(test_the_longest_name_fits),
        cmocka_unit_test(test_what_a_channel_is_written_like),
        cmocka_unit_test(test_a_name_has_255_octets_however_it_is_spelled),
        cmocka_unit_test(test_a_value_keeps_what_only_channels_lose),
        cmocka_unit_test(test_reads_in_place),
        cmocka_unit_test(test_reply_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
