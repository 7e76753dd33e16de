/* SPDX-License-Identifier: MIT
 *
 * Addresses have one of three forms, and what has none of them is refused
 * before anything is resolved.
 */
#include "broker/net/address.h"

#include <netinet/in.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *text;
    const char *host; /* NULL: refused */
    const char *port; /* "" for unix */
} forms[] = {
    {"127.0.0.1:25000", "127.0.0.1", "25000"},
    {"localhost:0", "localhost", "0"},
    {":25000", "", "25000"},
    {"*:65535", "*", "65535"},
    {"[::1]:7", "::1", "7"},
    {"[]:7", "", "7"},
    {"unix:/tmp/x", "/tmp/x", ""},
    {"unix:a:b", "a:b", ""},
    {"", NULL, NULL},
    {"127.0.0.1", NULL, NULL},
    {"127.0.0.1:", NULL, NULL},
    {"127.0.0.1:65536", NULL, NULL},
    {"127.0.0.1:99999999999999999999", NULL, NULL},
    {"127.0.0.1:-1", NULL, NULL},
    {"127.0.0.1:+1", NULL, NULL},
    {"127.0.0.1: 1", NULL, NULL},
    {"127.0.0.1:25000x", NULL, NULL},
    {"127.0.0.1:http", NULL, NULL},
    {"::1:25000", NULL, NULL},
    {"unix:", NULL, NULL},
};

static void test_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(forms); i++) {
        struct address a;
        bool is_good = address_parse(forms[i].text, &a);
        assert_int_equal(is_good, forms[i].host != NULL);
        if (!is_good)
            continue;
        assert_string_equal(a.host, forms[i].host);
        assert_string_equal(a.port, forms[i].port);
        assert_int_equal(a.is_unix, forms[i].port[0] == '\0');
    }
}

static void test_host_of_any_length_is_safe(void **state)
{
    (void)state;
    char text[2 * ADDRESS_HOST_BYTES];
    struct address a;
    for (size_t n = 1; n < sizeof text - 3; n++) {
        memset(text, 'h', n);
        strcpy(text + n, ":1");
        assert_int_equal(address_parse(text, &a), n < ADDRESS_HOST_BYTES);
    }
}

static void test_unix_path_must_fit_a_socket(void **state)
{
    (void)state;
    struct sockaddr_un sun;
    struct address a = {.is_unix = true};
    memset(a.host, 'p', sizeof sun.sun_path);
    assert_false(address_to_unix(&a, &sun));
    a.host[sizeof sun.sun_path - 1] = '\0';
    assert_true(address_to_unix(&a, &sun));
    assert_string_equal(sun.sun_path, a.host);
}

static void test_resolves_numbers_without_asking_anybody(void **state)
{
    (void)state;
    struct address a;
    struct addrinfo *list;
    assert_true(address_parse("127.0.0.1:25000", &a));
    assert_int_equal(address_resolve(&a, &list), 0);
    const struct sockaddr_in *sin = (const void *)list->ai_addr;
    assert_int_equal(ntohs(sin->sin_port), 25000);
    assert_int_equal(ntohl(sin->sin_addr.s_addr), INADDR_LOOPBACK);
    freeaddrinfo(list);
}

static void check_format(const void *sa, size_t length, const char *text)
{
    char out[ADDRESS_TEXT_BYTES];
    address_format(sa, (socklen_t)length, out, sizeof out);
    assert_string_equal(out, text);
}

static void test_peers_as_text(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons(7),
                             .sin_addr.s_addr = htonl(0x7f000002)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons(65535),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    check_format(&v4, sizeof v4, "127.0.0.2:7");
    check_format(&v6, sizeof v6, "[::1]:65535");
    check_format(&un, sizeof(sa_family_t), "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_host_of_any_length_is_safe),
        cmocka_unit_test(test_unix_path_must_fit_a_socket),
        cmocka_unit_test(test_resolves_numbers_without_asking_anybody),
        cmocka_unit_test(test_peers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
