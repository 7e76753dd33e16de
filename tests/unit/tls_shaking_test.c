/* SPDX-License-Identifier: MIT
 *
 * How long a handshake may wait for its client, in a crowd and out of it.
 */
#include "broker/net/tls_shaking.h"

#include "tests/unit/unit.h"

static void test_alone_a_client_may_be_far_away(void **state)
{
    (void)state;
    assert_int_equal(tls_shaking_patience_ms(0), TLS_PEER_MS);
}

static void test_the_larger_the_crowd_the_less_patience(void **state)
{
    (void)state;
    for (uint32_t crowd = 1; crowd <= 2 * TLS_HALF_OPEN_MAX; crowd++)
        assert_true(tls_shaking_patience_ms(crowd) <=
                    tls_shaking_patience_ms(crowd - 1));
    assert_int_equal(tls_shaking_patience_ms(UINT32_MAX), TLS_PEER_LEAST_MS);
}

/* Places change hands no slower than answers are computed, which is 1,200 in a
 * second: a thousand silent clients delay the next by less than that. */
static void test_a_thousand_silent_clients_pass_within_a_second(void **state)
{
    uint32_t silent = 1000, rounds = silent / TLS_HALF_OPEN_MAX;
    (void)state;
    assert_true(rounds * tls_shaking_patience_ms(silent - TLS_HALF_OPEN_MAX) <
                1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_a_client_may_be_far_away),
        cmocka_unit_test(test_the_larger_the_crowd_the_less_patience),
        cmocka_unit_test(test_a_thousand_silent_clients_pass_within_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
