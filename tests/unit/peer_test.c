/* SPDX-License-Identifier: MIT
 *
 * A peer is its socket's address, kept small, and the same text.
 */
#include "broker/net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/address.h"
#include "tests/unit/unit.h"

static void check_peer(const void *sa, size_t length, const char *text)
{
    char out[SLUICE_ADDRESS_TEXT_BYTES];
    struct peer p = peer_of(sa, (socklen_t)length);
    peer_format(&p, out, sizeof out);
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
    check_peer(&v4, sizeof v4, "127.0.0.2:7");
    check_peer(&v6, sizeof v6, "[::1]:65535");
    check_peer(&un, sizeof(sa_family_t), "unix");
}

static void test_the_user_at_a_unix_socket_is_known(void **state)
{
    (void)state;
    int ends[2];
    uint32_t user = 4711;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(peer_user(ends[0], &user));
    assert_int_equal(user, geteuid());
    close(ends[0]);
    close(ends[1]);
}

static void test_nobody_is_known_at_a_tcp_socket(void **state)
{
    (void)state;
    uint32_t user = 4711;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_false(peer_user(fd, &user));
    assert_int_equal(user, 4711);
    close(fd);
}

static uint8_t host_of(const char *ip, uint16_t port)
{
    struct peer p = {.family = strchr(ip, ':') ? AF_INET6 : AF_INET,
                     .port = port};
    assert_int_equal(inet_pton(p.family, ip, p.ip), 1);
    return peer_host(&p);
}

static void test_peers_of_a_host_have_one_number(void **state)
{
    (void)state;
    const struct peer unix_peer = {.family = AF_UNIX};
    assert_int_equal(host_of("10.1.2.3", 1), host_of("10.1.2.3", 2));
    assert_int_equal(host_of("2001:db8::1", 1), host_of("2001:db8::ffff:2", 1));
    assert_int_not_equal(host_of("2001:db8::1", 1),
                         host_of("2001:db8:0:1::1", 1));
    assert_int_equal(peer_host(&unix_peer), peer_host(&unix_peer));
    int others = 0;
    for (int i = 0; i < 256; i++) {
        char ip[16];
        snprintf(ip, sizeof ip, "10.1.2.%d", i);
        others += host_of(ip, 1) != host_of("10.1.2.3", 1);
    }
    assert_true(others > 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_as_text),
        cmocka_unit_test(test_the_user_at_a_unix_socket_is_known),
        cmocka_unit_test(test_nobody_is_known_at_a_tcp_socket),
        cmocka_unit_test(test_peers_of_a_host_have_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
