/* SPDX-License-Identifier: MIT
 *
 * A public key with which anybody could sign is told apart from a good one.
 */
#include "users/secret.h"

#include <stdio.h>

#include "tests/unit/unit.h"

/* All points whose order divides 8, with either sign; numbers from the prime
 * 2^255 - 19 on, which are other spellings of small ones; and the neighbours of
 * both. */
static const struct {
    const char *key; /* behind what all keys begin with */
    bool is_weak;
} rows[] = {
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA=", true},
    {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true},
    {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA=", true},
    {"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
    {"JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=", true},
    {"JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/IU=", true},
    {"xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o=", true},
    {"xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA/o=", true},
    {"6////////////////////////////////////////38=", false},
    {"7P///////////////////////////////////////38=", true},
    {"7P////////////////////////////////////////8=", true},
    {"7f///////////////////////////////////////38=", true},
    {"7f////////////////////////////////////////8=", true},
    {"7v///////////////////////////////////////38=", true},
    {"//////////////////////////////////////////8=", true},
    {"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", false},
};

static void test_keys_of_small_order_are_weak(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char text[80];
        uint8_t key[SECRET_KEY_BYTES];
        snprintf(text, sizeof text, "ed25519:MCowBQYDK2VwAyEA%s", rows[i].key);
        assert_true(secret_parse_key(text, key));
        if (secret_key_is_weak(key) != rows[i].is_weak)
            fail_msg("%s", rows[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_small_order_are_weak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
