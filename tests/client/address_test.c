/* SPDX-License-Identifier: MIT
 *
 * The three forms of an address, and what only looks like one.
 */
#include "client/lib/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check_inet(const char *text, const char *host, const char *port)
{
    struct sluice_address a;
    if (!sluice_address_parse(text, &a))
        fail_msg("'%s' was refused", text);
    assert_int_equal(a.kind, SLUICE_ADDRESS_INET);
    assert_string_equal(a.host, host);
    assert_string_equal(a.port, port);
}

static void test_hosts_and_ports(void **state)
{
    (void)state;
    check_inet("127.0.0.1:25000", "127.0.0.1", "25000");
    check_inet("localhost:1", "localhost", "1");
    check_inet("broker.example.org:65535", "broker.example.org", "65535");
    check_inet("[::1]:25000", "::1", "25000");
    check_inet("[fe80::1%eth0]:25000", "fe80::1%eth0", "25000");
}

static void test_paths(void **state)
{
    (void)state;
    struct sluice_address a;
    assert_true(sluice_address_parse("unix:/run/a:b", &a));
    assert_int_equal(a.kind, SLUICE_ADDRESS_UNIX);
    assert_string_equal(a.path, "/run/a:b");
    char text[200] = "unix:";
    size_t longest = sizeof a.path - 1;
    memset(text + 5, 'p', longest);
    assert_true(sluice_address_parse(text, &a));
    assert_int_equal(strlen(a.path), longest);
    text[5 + longest] = 'p';
    assert_false(sluice_address_parse(text, &a));
}

static void test_what_is_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          ":",          "host",       "host:",
        ":25000",    "host:0",     "host:65536", "host:99999999999999999999",
        "host:http", "host:-1",    "host:+1",    "host: 1",
        "host:1 ",   "::1:25000",  "[::1]",      "[::1]25000",
        "[]:1",      "[::1:25000", "::1]:25000", "unix:",
        "host:1:2",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sluice_address a;
        if (sluice_address_parse(texts[i], &a))
            fail_msg("'%s' was accepted", texts[i]);
    }
}

static void test_a_host_too_long(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'h', sizeof text);
    memcpy(text + 300, ":1", 3);
    struct sluice_address a;
    assert_false(sluice_address_parse(text, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_and_ports),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_a_host_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
