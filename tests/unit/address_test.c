/* SPDX-License-Identifier: MIT
 *
 * Addresses have one of three forms, and what has none of them is refused
 * before anything is resolved.
 */
#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *text;
    const char *host; /* NULL: refused */
    const char *port; /* "" for unix */
    bool is_peer;
} forms[] = {
    {"127.0.0.1:25000", "127.0.0.1", "25000", true},
    {"localhost:0", "localhost", "0", false},
    {"broker.example.org:65535", "broker.example.org", "65535", true},
    {":25000", "", "25000", false},
    {"*:65535", "*", "65535", true},
    {"[::1]:7", "::1", "7", true},
    {"[fe80::1%eth0]:25000", "fe80::1%eth0", "25000", true},
    {"[]:7", "", "7", false},
    {"unix:/tmp/x", "/tmp/x", "", true},
    {"unix:a:b", "a:b", "", true},
    /* The default port. */
    {"127.0.0.1", "127.0.0.1", "4711", true},
    {"localhost", "localhost", "4711", true},
    {"3com", "3com", "4711", true},
    {"[::1]", "::1", "4711", true},
    {"*", "*", "4711", true},
    /* Not an address. */
    {"", NULL, NULL, false},
    {":", NULL, NULL, false},
    {"25000", NULL, NULL, false},
    {"127.0.0.1:", NULL, NULL, false},
    {"127.0.0.1:65536", NULL, NULL, false},
    {"127.0.0.1:99999999999999999999", NULL, NULL, false},
    {"127.0.0.1:-1", NULL, NULL, false},
    {"127.0.0.1:+1", NULL, NULL, false},
    {"127.0.0.1: 1", NULL, NULL, false},
    {"127.0.0.1:1 ", NULL, NULL, false},
    {"127.0.0.1:25000x", NULL, NULL, false},
    {"127.0.0.1:http", NULL, NULL, false},
    {"host:1:2", NULL, NULL, false},
    {"a host", NULL, NULL, false},
    {"::1", NULL, NULL, false},
    {"::1:25000", NULL, NULL, false},
    {"::1]:25000", NULL, NULL, false},
    {"[::1:25000", NULL, NULL, false},
    {"[::1]25000", NULL, NULL, false},
    {"[]", NULL, NULL, false},
    {"/run/sluice.sock", NULL, NULL, false},
    {"tcp://127.0.0.1:25000", NULL, NULL, false},
    {"unix:", NULL, NULL, false},
};

static void test_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(forms); i++) {
        struct sluice_address a;
        bool is_good = sluice_address_parse(forms[i].text, "4711", &a);
        if (is_good != (forms[i].host != NULL))
            fail_msg("wrong about '%s'", forms[i].text);
        if (!is_good)
            continue;
        assert_string_equal(a.host, forms[i].host);
        assert_string_equal(a.port, forms[i].port);
        assert_int_equal(a.is_unix, forms[i].port[0] == '\0');
        assert_int_equal(sluice_address_is_peer(&a), forms[i].is_peer);
    }
}

static void test_host_of_any_length_is_safe(void **state)
{
    (void)state;
    char text[2 * SLUICE_ADDRESS_HOST_BYTES];
    struct sluice_address a;
    for (size_t n = 1; n < sizeof text - 3; n++) {
        memset(text, 'h', n);
        strcpy(text + n, ":1");
        assert_int_equal(sluice_address_parse(text, "4711", &a),
                         n < SLUICE_ADDRESS_HOST_BYTES);
    }
}

static void test_unix_path_must_fit_a_socket(void **state)
{
    (void)state;
    struct sockaddr_un sun;
    struct sluice_address a = {.is_unix = true};
    memset(a.host, 'p', sizeof sun.sun_path);
    assert_false(sluice_address_to_unix(&a, &sun));
    a.host[sizeof sun.sun_path - 1] = '\0';
    assert_true(sluice_address_to_unix(&a, &sun));
    assert_string_equal(sun.sun_path, a.host);
}

static in_addr_t resolve_v4(const char *text, bool to_listen)
{
    struct sluice_address a;
    struct addrinfo *list;
    in_addr_t found = INADDR_NONE;
    assert_true(sluice_address_parse(text, "25000", &a));
    assert_int_equal(sluice_address_resolve(&a, to_listen, &list), 0);
    for (const struct addrinfo *at = list; at; at = at->ai_next) {
        if (at->ai_family != AF_INET)
            continue;
        const struct sockaddr_in *sin = (const void *)at->ai_addr;
        assert_int_equal(ntohs(sin->sin_port), 25000);
        found = ntohl(sin->sin_addr.s_addr);
    }
    freeaddrinfo(list);
    return found;
}

static void test_resolves_numbers_without_asking_anybody(void **state)
{
    (void)state;
    assert_int_equal(resolve_v4("127.0.0.1", false), INADDR_LOOPBACK);
    assert_int_equal(resolve_v4("127.0.0.1:25000", true), INADDR_LOOPBACK);
}

static void test_no_host_and_a_star_listen_everywhere(void **state)
{
    (void)state;
    assert_int_equal(resolve_v4(":25000", true), INADDR_ANY);
    assert_int_equal(resolve_v4("*", true), INADDR_ANY);
}

static void check_format(const void *sa, size_t length, const char *text)
{
    char out[SLUICE_ADDRESS_TEXT_BYTES];
    sluice_address_format(sa, (socklen_t)length, out, sizeof out);
    assert_string_equal(out, text);
}

static void test_sockets_as_text(void **state)
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
        cmocka_unit_test(test_no_host_and_a_star_listen_everywhere),
        cmocka_unit_test(test_sockets_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
