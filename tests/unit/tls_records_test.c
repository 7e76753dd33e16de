/* SPDX-License-Identifier: MIT
 *
 * Where records end, and when a ClientHello is complete: however it is cut, and
 * whatever else comes in its place.
 */
#include "broker/net/tls_records.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { HELLO = 300, ROOM = 1 << 12 };

/* A handshake message of HELLO bytes with its head, in records of at most
 * `most` bytes. Returns the bytes written. */
static size_t hello_in_records(uint8_t out[ROOM], size_t most)
{
    uint8_t message[HELLO] = {1, 0, (HELLO - 4) >> 8, (HELLO - 4) & 0xff};
    size_t at = 0;
    for (size_t done = 0; done < HELLO;) {
        size_t n = HELLO - done < most ? HELLO - done : most;
        const uint8_t head[] = {0x16, 3, 1, (uint8_t)(n >> 8), (uint8_t)n};
        memcpy(out + at, head, sizeof head);
        memcpy(out + at + sizeof head, message + done, n);
        at += sizeof head + n;
        done += n;
    }
    return at;
}

/* The bytes lie at the end of memory of their exact size. */
static bool have_hello(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    bool is_whole = tls_records_have_hello(copy, n);
    free(copy);
    return is_whole;
}

static void test_a_hello_is_complete_with_its_last_octet(void **state)
{
    static const size_t cuts[] = {1, 2, 3, 4, 5, 100, HELLO};
    uint8_t bytes[ROOM];
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t n = hello_in_records(bytes, cuts[i]);
        for (size_t j = 0; j < n; j++)
            assert_false(have_hello(bytes, j));
        assert_true(have_hello(bytes, n));
        assert_true(have_hello(bytes, n + 1)); /* and what follows it */
    }
}

/* OpenSSL finds words for each of them. */
static void test_what_is_no_hello_is_not_waited_for(void **state)
{
    static const uint8_t others[][6] = {
        {0x16, 3, 1, 0, 1, 2},   /* another message */
        {0x16, 3, 1, 0, 0},      /* an empty record */
        {0x15, 3, 1, 0, 2},      /* an alert */
        {0x16, 3, 1, 0xff, 0xff} /* too long */
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(have_hello(others[i], i == 0 ? 6 : 5));
}

static void test_whole_records_are_counted(void **state)
{
    uint8_t bytes[ROOM];
    size_t n = hello_in_records(bytes, 100);
    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tls_records_whole(bytes, i), i / 105 * 105);
    assert_int_equal(tls_records_whole(bytes, n), n);
}

static void test_the_largest_record_is_one_and_a_larger_is_not(void **state)
{
    uint8_t head[] = {0x17, 3, 3, TLS_RECORD_MAX >> 8, TLS_RECORD_MAX & 0xff};
    (void)state;
    assert_int_equal(tls_records_whole(head, sizeof head), 0);
    head[4]++;
    assert_int_equal(tls_records_whole(head, sizeof head), -1);
    const uint8_t behind[] = {0x17, 3, 3, 0, 1, 7, 0x17, 3, 3, 0xff, 0xff};
    assert_int_equal(tls_records_whole(behind, sizeof behind), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hello_is_complete_with_its_last_octet),
        cmocka_unit_test(test_what_is_no_hello_is_not_waited_for),
        cmocka_unit_test(test_whole_records_are_counted),
        cmocka_unit_test(test_the_largest_record_is_one_and_a_larger_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
