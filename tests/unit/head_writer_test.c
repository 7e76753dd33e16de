/* SPDX-License-Identifier: MIT
 *
 * What is written is one head with the words that were handed in, whatever
 * octets they have, and never more than a head may be.
 */
#include "proto/head_writer.h"

#include <stdlib.h>
#include <string.h>

#include "proto/channel_name.h"
#include "tests/unit/unit.h"

static int open_room(void **state)
{
    *state = malloc(HEAD_MAX); /* its exact size, for the sanitizer */
    return *state == NULL;
}

static int close_room(void **state)
{
    free(*state);
    return 0;
}

static void assert_head(const struct head_writer *w, const char *expected)
{
    assert_int_equal(head_end(w), strlen(expected));
    assert_memory_equal(w->room, expected, strlen(expected));
}

static void test_a_head_of_every_kind_of_word(void **state)
{
    struct head_writer w;
    head_begin(&w, *state, "MSG");
    head_add_channel(&w, (const uint8_t *)"/a b", 4);
    head_add_spelled(&w, span_of("@xyz"));
    head_add_number(&w, 0);
    head_add_number(&w, UINT64_MAX);
    head_add_option(&w, UNIT_OPTION_name, span_of("two words"));
    head_add_option_number(&w, UNIT_OPTION_seq, 7);
    head_add_option_ms(&w, UNIT_OPTION_wait, 1500);
    head_add_option_ms(&w, UNIT_OPTION_delay, 2000);
    head_add_option_ms(&w, UNIT_OPTION_ping, 0);
    assert_true(head_add_header(&w, span_of("Note"), "a=b\n", 4));
    assert_head(&w, "MSG /a%20b @xyz 0 18446744073709551615 name=two%20words"
                    " seq=7 wait=1500ms delay=2s ping=0s Note=a=b%0A");
}

static void test_a_header_needs_a_name(void **state)
{
    struct head_writer w;
    static const char *const wrong[] = {"", "note", "A B", "A=B", "1", "A%41"};
    head_begin(&w, *state, "PUB");
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
        assert_false(head_add_header(&w, span_of(wrong[i]), "x", 1));
    assert_head(&w, "PUB");
}

/* Every octet in every place: one header in, one header out. */
static void test_values_stay_one_token(void **state)
{
    for (int octet = 0; octet < 256; octet++) {
        struct head_writer w;
        struct head h;
        char value[] = {'x', (char)octet, (char)octet};
        head_begin(&w, *state, "PUB");
        head_add_channel(&w, (const uint8_t *)value + 1, 2);
        assert_true(head_add_header(&w, span_of("A"), value, sizeof value));
        assert_int_equal(head_parse(&h, w.room, head_end(&w)), UNIT_OK);
        assert_int_equal(h.argument_count, 1);
        assert_int_equal(h.header_count, 1);
        assert_int_equal(h.options, 0);
    }
}

static void test_a_head_has_4096_octets_and_not_one_more(void **state)
{
    static uint8_t value[HEAD_MAX];
    struct head_writer w;
    memset(value, 'x', sizeof value);
    for (size_t n = HEAD_MAX - 10; n <= HEAD_MAX; n++) {
        head_begin(&w, *state, "PUB");
        assert_true(head_add_header(&w, span_of("A"), value, n));
        size_t whole = strlen("PUB A=") + n;
        assert_int_equal(head_end(&w), whole <= HEAD_MAX ? whole : 0);
    }
    memset(value, ' ', sizeof value); /* three octets each */
    head_begin(&w, *state, "PUB");
    assert_true(head_add_header(&w, span_of("A"), value, HEAD_MAX / 3));
    assert_int_equal(head_end(&w), 0);
    head_add_number(&w, 1); /* it would fit, but the head has a hole */
    assert_int_equal(head_end(&w), 0);
}

static void test_a_channel_has_255_octets(void **state)
{
    struct head_writer w;
    uint8_t name[CHANNEL_NAME_MAX + 1];
    memset(name, 0, sizeof name);
    head_begin(&w, *state, "PUB");
    head_add_channel(&w, name, CHANNEL_NAME_MAX);
    assert_int_equal(head_end(&w), 4 + 3 * CHANNEL_NAME_MAX);
    head_begin(&w, *state, "PUB");
    head_add_channel(&w, name, CHANNEL_NAME_MAX + 1);
    assert_int_equal(head_end(&w), 0);
}

#define WRITER_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(test_a_head_of_every_kind_of_word),
        WRITER_TEST(test_a_header_needs_a_name),
        WRITER_TEST(test_values_stay_one_token),
        WRITER_TEST(test_a_head_has_4096_octets_and_not_one_more),
        WRITER_TEST(test_a_channel_has_255_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
