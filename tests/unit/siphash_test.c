/* SPDX-License-Identifier: MIT
 *
 * The values are those of a second implementation, written in Python from the
 * paper. That one gives the paper's own vector for SipHash-2-4 (appendix A:
 * a129ca6149be45e5) when it does two and four rounds, and with a key of zeros
 * the same as CPython 3.11's hash() of bytes under PYTHONHASHSEED=0, which is
 * SipHash-1-3.
 */
#include "broker/base/siphash.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* Key 00 01 .. 0f, message 00 01 .. (n - 1), as in the paper. */
static const struct siphash_key key = {0x0706050403020100u,
                                       0x0f0e0d0c0b0a0908u};

static const struct {
    size_t n;
    uint64_t hash;
} vectors[] = {
    {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},
    {7, 0xd3927d989bb11140},  {8, 0x369095118d299a8e},
    {9, 0x25a48eb36c063de4},  {15, 0xd320d86d2a519956},
    {16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
};

static void test_known_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(vectors); i++) {
        size_t n = vectors[i].n;
        /* Its exact size, so that a read beyond it is seen. */
        uint8_t *message = malloc(n + (n == 0));
        for (size_t j = 0; j < n; j++)
            message[j] = (uint8_t)j;
        assert_int_equal(siphash(&key, message, n), vectors[i].hash);
        free(message);
    }
}

static void test_value_of_cpython(void **state)
{
    (void)state;
    static const struct siphash_key zero = {0, 0};
    assert_int_equal(siphash(&zero, "sluice, the gate", 16),
                     0x4a018dafe45d55cb);
}

static void test_keys_differ(void **state)
{
    (void)state;
    struct siphash_key a = siphash_key_random(), b = siphash_key_random();
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(siphash(&a, "name", 4) != siphash(&b, "name", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_value_of_cpython),
        cmocka_unit_test(test_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
