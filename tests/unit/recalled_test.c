/* SPDX-License-Identifier: MIT
 *
 * A password that was right is right for ten minutes, for its user alone, and
 * only four of them are kept.
 */
#include "broker/auth/recalled.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct recalled recalled;

static int set_up(void **state)
{
    (void)state;
    assert_true(recalled_init(&recalled));
    recalled_reset(&recalled, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recalled_fini(&recalled);
    return 0;
}

static bool has(size_t user, const char *secret, uint64_t now_ms)
{
    uint8_t digest[RECALLED_DIGEST_BYTES];
    assert_true(
        recalled_digest(&recalled, user, secret, strlen(secret), digest));
    return recalled_has(&recalled, user, digest, now_ms);
}

static void add(size_t user, const char *secret, uint64_t now_ms)
{
    uint8_t digest[RECALLED_DIGEST_BYTES];
    assert_true(
        recalled_digest(&recalled, user, secret, strlen(secret), digest));
    recalled_add(&recalled, user, digest, now_ms);
}

static void test_what_was_right_is_right_for_ten_minutes(void **state)
{
    (void)state;
    assert_false(has(1, "secret", 1000));
    add(1, "secret", 1000);
    assert_true(has(1, "secret", 1000 + RECALLED_MS - 1));
    assert_false(has(1, "secret", 1000 + RECALLED_MS));
    assert_false(has(1, "Secret", 1001));
    assert_false(has(1, "", 1001));
}

static void test_a_password_is_one_users_alone(void **state)
{
    (void)state;
    add(1, "secret", 1000);
    assert_false(has(0, "secret", 1000));
    assert_false(has(2, "secret", 1000));
    assert_false(has(7, "secret", 1000));
}

static void test_the_oldest_of_four_gives_way(void **state)
{
    (void)state;
    static const char *const secrets[] = {"a", "b", "c", "d", "e"};
    for (unsigned i = 0; i < 4; i++)
        add(1, secrets[i], 1000 + i);
    add(1, "a", 2000); /* is renewed, and takes no other place */
    for (unsigned i = 0; i < 4; i++)
        assert_true(has(1, secrets[i], 2000));
    add(1, "e", 2001);
    assert_false(has(1, "b", 2001));
    assert_true(has(1, "a", 2001));
    assert_true(has(1, "e", 2001));
}

static void test_a_new_file_forgets_all(void **state)
{
    (void)state;
    add(1, "secret", 1000);
    recalled_reset(&recalled, 3);
    assert_false(has(1, "secret", 1000));
}

static void test_a_secret_that_is_too_long_is_not_known(void **state)
{
    (void)state;
    static const char much[1000];
    uint8_t digest[RECALLED_DIGEST_BYTES];
    assert_false(recalled_digest(&recalled, 1, much, sizeof much, digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_was_right_is_right_for_ten_minutes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_password_is_one_users_alone,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_of_four_gives_way,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_new_file_forgets_all, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_secret_that_is_too_long_is_not_known, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
