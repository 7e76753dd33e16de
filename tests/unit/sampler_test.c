/* SPDX-License-Identifier: MIT
 *
 * Of each key a few pass in a second, with the number of those before that did
 * not; of however many keys.
 */
#include "broker/base/sampler.h"

#include "tests/unit/unit.h"

enum { NOW = 5000 };

static void test_one_a_second_passes_and_the_others_are_counted(void **state)
{
    struct sampler s = {.rows = {{.key = 0}}};
    uint64_t missed = 0;
    (void)state;
    assert_true(sampler_pass(&s, 1, 1, NOW, &missed));
    assert_int_equal(missed, 0);
    for (unsigned i = 0; i < 7; i++)
        assert_false(sampler_pass(&s, 1, 1, NOW + 999, &missed));
    assert_true(sampler_pass(&s, 1, 1, NOW + 1000, &missed));
    assert_int_equal(missed, 7);
    missed = 0;
    assert_true(sampler_pass(&s, 1, 1, NOW + 2000, &missed));
    assert_int_equal(missed, 0);
}

/* What another sampler has not let pass counts as well. */
static void test_several_a_second_pass_if_so_many_may(void **state)
{
    struct sampler s = {.rows = {{.key = 0}}};
    uint64_t missed = 3;
    (void)state;
    assert_true(sampler_pass(&s, 1, 2, NOW, &missed));
    assert_int_equal(missed, 3);
    missed = 0;
    assert_true(sampler_pass(&s, 1, 2, NOW + 500, &missed));
    missed = 4;
    assert_false(sampler_pass(&s, 1, 2, NOW + 999, &missed));
    missed = 0;
    assert_true(sampler_pass(&s, 1, 2, NOW + 1000, &missed));
    assert_int_equal(missed, 5);
}

static void test_keys_do_not_delay_each_other(void **state)
{
    struct sampler s = {.rows = {{.key = 0}}};
    uint64_t missed = 0;
    (void)state;
    for (uint64_t key = 1; key <= SAMPLER_KEYS; key++)
        assert_true(sampler_pass(&s, key, 1, NOW + (clock_ms)key, &missed));
    for (uint64_t key = 1; key <= SAMPLER_KEYS; key++)
        assert_false(sampler_pass(&s, key, 1, NOW + 100, &missed));
}

static void test_the_key_of_the_longest_silence_gives_way(void **state)
{
    struct sampler s = {.rows = {{.key = 0}}};
    uint64_t missed = 0;
    (void)state;
    for (uint64_t key = 1; key <= SAMPLER_KEYS; key++)
        (void)sampler_pass(&s, key, 1, NOW + (clock_ms)key, &missed);
    assert_true(sampler_pass(&s, SAMPLER_KEYS + 1, 1, NOW + 100, &missed));
    assert_false(sampler_pass(&s, 2, 1, NOW + 100, &missed));
    assert_true(sampler_pass(&s, 1, 1, NOW + 100, &missed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_a_second_passes_and_the_others_are_counted),
        cmocka_unit_test(test_several_a_second_pass_if_so_many_may),
        cmocka_unit_test(test_keys_do_not_delay_each_other),
        cmocka_unit_test(test_the_key_of_the_longest_silence_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
