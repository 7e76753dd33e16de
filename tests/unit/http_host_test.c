/* SPDX-License-Identifier: MIT
 *
 * A name that a stranger has pointed at our address is not ours.
 */
#include "common/http_host.h"

#include "tests/unit/unit.h"

static const char *const names[] = {"broker.lan", "b2"};

static const struct {
    const char *host;
    bool is_known;
} rows[] = {
    {"127.0.0.1", true},
    {"127.0.0.1:25080", true},
    {"10.1.2.3:1", true},
    {"[::1]", true},
    {"[::1]:25080", true},
    {"localhost", true},
    {"LocalHost:80", true},
    {"broker.lan", true},
    {"BROKER.lan:8080", true},
    {"b2", true},
    {"rebind.test", false},
    {"rebind.test:25080", false},
    {"127.0.0.1.rebind.test", false},
    {"localhost.rebind.test", false},
    {"localhost.", false},
    {"broker.lan.evil", false},
    {"evil.broker.lan", false},
    {"b2b2", false},
    {"", false},
    {":80", false},
    {"127.0.0.1:", false},
    {"127.0.0.1:x", false},
    {"127.0.0.1:80:80", false},
    {"127.0.0.1:800000", false},
    {"127.1", false},
    {"2130706433", false},
    {"::1", false},
    {"[::1", false},
    {"[::1]x", false},
    {"[localhost]", false},
    {"[127.0.0.1]", false},
    {"user@localhost", false},
    {"localhost evil", false},
};

static void test_each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (http_host_is_known(rows[i].host, names, 2) != rows[i].is_known)
            fail_msg("wrong about '%s'", rows[i].host);
    }
}

static void test_a_name_beyond_all_measure(void **state)
{
    (void)state;
    char host[5000];
    for (size_t i = 0; i < sizeof host; i++)
        host[i] = 'a';
    host[sizeof host - 1] = '\0';
    assert_false(http_host_is_known(host, names, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row),
        cmocka_unit_test(test_a_name_beyond_all_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
