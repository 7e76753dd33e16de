/* SPDX-License-Identifier: MIT
 *
 * A broker is distinguished from others without being given a name.
 */
#include "broker/monitor/identity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static void test_the_name_has_host_and_port(void **state)
{
    (void)state;
    char name[IDENTITY_NAME_BYTES], pid[32];
    identity_name("127.0.0.1:25000", name);
    assert_true(ends_with(name, ":25000"));
    identity_name("[::1]:25001", name);
    assert_true(ends_with(name, ":25001"));
    identity_name("unix:/run/sluice.sock", name);
    assert_true(ends_with(name, ":/run/sluice.sock"));
    identity_name("127.0.0.1:0", name);
    snprintf(pid, sizeof pid, ":%d", getpid());
    assert_true(ends_with(name, pid));
}

static void test_the_colour_is_of_the_name(void **state)
{
    (void)state;
    char a[IDENTITY_COLOR_BYTES], again[IDENTITY_COLOR_BYTES];
    char b[IDENTITY_COLOR_BYTES];
    identity_color("host:25000", a);
    identity_color("host:25000", again);
    identity_color("host:25001", b);
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    assert_int_equal(a[0], '#');
    assert_int_equal(strspn(a + 1, "0123456789abcdef"), 6);
    assert_int_equal(strlen(a), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_has_host_and_port),
        cmocka_unit_test(test_the_colour_is_of_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
