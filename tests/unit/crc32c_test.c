/* SPDX-License-Identifier: MIT
 *
 * The checksum is that of RFC 3720, by whatever means it is computed, and in
 * however many pieces.
 */
#include "proto/crc32c.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

/* Both ways of computing it, in one go and in two pieces. */
static void check_everywhere(uint32_t expected, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    assert_int_equal(crc32c(0, bytes, n), expected);
    assert_int_equal(crc32c_by_table(0, bytes, n), expected);
    for (size_t cut = 0; cut <= n; cut++)
        assert_int_equal(crc32c(crc32c(0, p, cut), p + cut, n - cut), expected);
}

/* Appendix B.4 lists the octets as they go on the wire: the lowest first. */
static void test_the_vectors_of_rfc_3720_hold(void **state)
{
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    check_everywhere(0x8a9136aa, bytes, sizeof bytes);
    memset(bytes, 0xff, sizeof bytes);
    check_everywhere(0x62a8ab43, bytes, sizeof bytes);
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    check_everywhere(0x46dd794e, bytes, sizeof bytes);
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(31 - i);
    check_everywhere(0x113fdb5c, bytes, sizeof bytes);
    static const uint8_t command[48] = {0x01,        0xc0,        [16] = 0x14,
                                        [22] = 0x04, [27] = 0x14, [31] = 0x18,
                                        0x28,        [40] = 0x02};
    check_everywhere(0xd9963a56, command, sizeof command);
    check_everywhere(0xe3069283, "123456789", 9);
    check_everywhere(0, "", 0);
}

/* The definition, a bit at a time. */
static uint32_t slow_crc32c(uint32_t start, const uint8_t *p, size_t n)
{
    uint32_t crc = ~start;
    for (; n > 0; n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void test_table_and_instruction_agree_at_every_alignment(void **state)
{
    (void)state;
    enum { LONGEST = 300, ROUNDS = 100000 };
    uint8_t bytes[LONGEST + 8];
    uint64_t seed = chance_setting("SLUICE_SEED", 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)chance_of(&seed, 256);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t at = chance_of(&seed, 8), n = chance_of(&seed, LONGEST);
        uint32_t start = chance_of(&seed, UINT32_MAX);
        uint32_t expected = crc32c_by_table(start, bytes + at, n);
        assert_int_equal(crc32c(start, bytes + at, n), expected);
        if (i % 100 == 0)
            assert_int_equal(slow_crc32c(start, bytes + at, n), expected);
        bytes[chance_of(&seed, sizeof bytes)]++;
    }
}

static void test_every_flipped_bit_changes_it(void **state)
{
    (void)state;
    uint8_t bytes[100] = {1, 2, 3};
    uint32_t sound = crc32c(7, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(crc32c(7, bytes, sizeof bytes), sound);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_3720_hold),
        cmocka_unit_test(test_table_and_instruction_agree_at_every_alignment),
        cmocka_unit_test(test_every_flipped_bit_changes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
