/* SPDX-License-Identifier: MIT
 *
 * The decoder reads nothing beyond what is there, whatever the length claims:
 * every case is decoded from a copy of its exact size, which the address
 * sanitizer guards.
 */
#include "proto/frame.h"

#include <stdlib.h>

#include "proto/channel_name.h"
#include "tests/unit/unit.h"

enum { ALL = INT32_MAX };

/* Decodes `n` bytes out of memory that is just as long. */
static enum frame_status decode(const uint8_t *bytes, size_t n, uint32_t limit,
                                uint32_t *length, size_t *body_at)
{
    uint8_t *exact = malloc(n + (n == 0));
    memcpy(exact, bytes, n);
    struct frame frame;
    enum frame_status status = frame_decode(exact, n, limit, &frame);
    *length = frame.length;
    assert_int_equal(frame.body == NULL, status != FRAME_OK);
    *body_at = frame.body ? (size_t)(frame.body - exact) : 0;
    free(exact);
    return status;
}

static void test_every_truncation_asks_for_more(void **state)
{
    (void)state;
    uint8_t whole[64];
    for (uint32_t length = 0; length <= 40; length++) {
        size_t size = frame_size(length), at;
        uint32_t got;
        memset(whole, 0x5a, sizeof whole);
        frame_put_length(whole, length);
        for (size_t n = 0; n < size; n++)
            assert_int_equal(decode(whole, n, ALL, &got, &at), FRAME_MORE);
        for (size_t n = size; n <= sizeof whole; n++) {
            assert_int_equal(decode(whole, n, ALL, &got, &at), FRAME_OK);
            assert_int_equal(got, length);
            assert_int_equal(at, FRAME_HEAD_BYTES);
        }
    }
}

/* Of --max-frame: what it is by default, and the most. */
enum { LIMIT_DEFAULT = 16 << 20, LIMIT_MAX = 1 << 30 };

static const struct {
    uint32_t length, limit;
    enum frame_status status; /* with no byte of the body there */
} limits[] = {
    {0, 0, FRAME_OK},
    {1, 0, FRAME_TOO_LONG},
    {1, 1, FRAME_MORE},
    {255, CHANNEL_NAME_MAX, FRAME_MORE},
    {256, CHANNEL_NAME_MAX, FRAME_TOO_LONG},
    {LIMIT_DEFAULT, LIMIT_DEFAULT, FRAME_MORE},
    {LIMIT_DEFAULT + 1, LIMIT_DEFAULT, FRAME_TOO_LONG},
    {LIMIT_MAX, LIMIT_MAX, FRAME_MORE},
    {LIMIT_MAX + 1u, LIMIT_MAX, FRAME_TOO_LONG},
    {0x7fffffff, LIMIT_MAX, FRAME_TOO_LONG},
    {0x7fffffff, 0x7fffffff, FRAME_MORE},
    {0x80000000, LIMIT_MAX, FRAME_TOO_LONG},
    {0x80000000, 0x7fffffff, FRAME_TOO_LONG},
    {0x80000000, 0xffffffff, FRAME_MORE},
    {0xffffffff, LIMIT_MAX, FRAME_TOO_LONG},
    {0xffffffff, 0xfffffffe, FRAME_TOO_LONG},
    {0xffffffff, 0xffffffff, FRAME_MORE},
};

static void test_limit_holds_at_every_edge(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(limits); i++) {
        uint8_t head[FRAME_HEAD_BYTES];
        uint32_t got;
        size_t at;
        frame_put_length(head, limits[i].length);
        assert_int_equal(decode(head, 4, limits[i].limit, &got, &at),
                         limits[i].status);
        assert_int_equal(got, limits[i].length);
    }
}

static void test_length_is_big_endian(void **state)
{
    (void)state;
    static const uint8_t head[] = {0x01, 0x02, 0x83, 0xf4};
    uint8_t back[FRAME_HEAD_BYTES];
    assert_int_equal(frame_get_length(head), 0x010283f4);
    frame_put_length(back, 0x010283f4);
    assert_memory_equal(back, head, sizeof head);
}

static void test_put_writes_one_frame_and_no_more(void **state)
{
    (void)state;
    static const uint8_t wire[] = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0};
    uint8_t *exact = malloc(sizeof wire);
    uint8_t *end = frame_put(frame_put(exact, "abc", 3), NULL, 0);
    assert_ptr_equal(end, exact + sizeof wire);
    assert_memory_equal(exact, wire, sizeof wire);
    free(exact);
}

static void test_size_does_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(frame_size(0), 4);
    assert_true(frame_size(UINT32_MAX) == (size_t)UINT32_MAX + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_asks_for_more),
        cmocka_unit_test(test_limit_holds_at_every_edge),
        cmocka_unit_test(test_length_is_big_endian),
        cmocka_unit_test(test_put_writes_one_frame_and_no_more),
        cmocka_unit_test(test_size_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
