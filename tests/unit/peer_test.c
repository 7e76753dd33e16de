/* SPDX-License-Identifier: MIT
 *
 * A peer is its socket's address, kept small, and the same text.
 */
#include "broker/net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
