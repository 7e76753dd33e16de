/* SPDX-License-Identifier: MIT
 *
 * Other protocols' clients are recognised by name, and our own never are.
 */
#include "proto/greeting.h"

#include "proto/channel_name.h"
#include "proto/frame.h"
#include "tests/unit/unit.h"

static const struct {
    const char *bytes;
    const char *name; /* NULL: nobody's */
} greetings[] = {
    {"GET / HTTP/1.1", "http"},
    {"POST /x", "http"},
    {"HEAD /", "http"},
    {"PUT /x", "http"},
    {"DELETE /", "http"},
    {"OPTIONS *", "http"},
    {"PATCH /", "http"},
    {"CONNECT a:1", "http"},
    {"TRACE /", "http"},
    {"PRI * HTTP/2.0", "http2"},
    {"\x16\x03\x01\x02", "tls"},
    {"\x16\x03\x03\x7a", "tls"},
    {"SSH-2.0-x", "ssh"},
    {"get /", NULL},
    {"SSL-", NULL},
    {"\x16\x02\x01\x01", NULL},
    {"\x15\x03\x01\x01", NULL},
    {"\xff\xff\xff\xff", NULL},
    {"GETX", NULL},
    {"\x01\x01\x01\x01", NULL},
};

static void test_greetings_by_their_first_four_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(greetings); i++) {
        uint8_t first[4];
        memcpy(first, greetings[i].bytes, sizeof first);
        const char *name = greeting_name(first);
        if (greetings[i].name)
            assert_string_equal(name, greetings[i].name);
        else
            assert_null(name);
    }
}

static void test_no_length_that_is_allowed_is_a_greeting(void **state)
{
    (void)state;
    for (uint32_t length = 0; length <= CHANNEL_NAME_MAX; length++) {
        uint8_t head[FRAME_HEAD_BYTES];
        frame_put_length(head, length);
        assert_null(greeting_name(head));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greetings_by_their_first_four_bytes),
        cmocka_unit_test(test_no_length_that_is_allowed_is_a_greeting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
