/* SPDX-License-Identifier: MIT
 *
 * A network has one meaning, however it is spelled.
 */
#include "users/network.h"

#include "tests/unit/unit.h"

static void test_mapped_networks_are_those_of_ipv4(void **state)
{
    (void)state;
    static const struct {
        const char *mapped, *plain;
    } rows[] = {
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.1.0.0/112", "10.1.0.0/16"},
        {"::ffff:a01:101", "10.1.1.1"},
        {"::ffff:10.1.1.1/128", "10.1.1.1/32"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"0:0:0:0:0:ffff:c000:200/120", "192.0.2.0/24"},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct network mapped, plain;
        assert_null(network_parse(rows[i].mapped, &mapped));
        assert_null(network_parse(rows[i].plain, &plain));
        if (network_compare(&mapped, &plain) != 0)
            fail_msg("%s is not %s", rows[i].mapped, rows[i].plain);
    }
}

/* The first are wider than what is mapped, or lie beside it. */
static void test_other_networks_of_ipv6_are_not(void **state)
{
    (void)state;
    static const char *const rows[] = {"::/0",
                                       "::/80",
                                       "::/96",
                                       "::1",
                                       "::fffe:10.0.0.0/104",
                                       "::10.0.0.0/104",
                                       "64:ff9b::10.0.0.0/104"};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct network network, v4;
        assert_null(network_parse(rows[i], &network));
        assert_null(network_parse("10.0.0.0", &v4));
        assert_int_equal(network.version, 6);
        assert_false(network_contains(&network, &v4));
    }
}

static void test_bits_behind_a_mapped_network_are_wrong(void **state)
{
    (void)state;
    static const char *const rows[] = {"::ffff:10.0.0.1/104", "::ffff:0:0/90",
                                       "::ffff:10.0.0.0/95",
                                       "::ffff:10.0.0.0/129"};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct network network;
        assert_non_null(network_parse(rows[i], &network));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapped_networks_are_those_of_ipv4),
        cmocka_unit_test(test_other_networks_of_ipv6_are_not),
        cmocka_unit_test(test_bits_behind_a_mapped_network_are_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
