/* SPDX-License-Identifier: MIT
 *
 * peer - a handle and the other end of its socket, for tests that play the
 * broker byte by byte. The bytes are written out: the codec does not test
 * itself.
 */
#ifndef SLUICE_TESTS_CLIENT_PEER_H
#define SLUICE_TESTS_CLIENT_PEER_H

#include "client/sluice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Long enough for any machine; a test that waits this long has failed. */
enum { PEER_PATIENCE_MS = 20000 };

struct peer {
    struct sluice *s;
    int fd; /* the broker's end; blocking; -1 when closed */
};

static inline struct peer peer_open(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct peer p = {sluice_new(), ends[1]};
    assert_non_null(p.s);
    assert_int_equal(sluice_attach(p.s, ends[0]), SLUICE_OK);
    return p;
}

static inline void peer_hang_up(struct peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static inline void peer_close(struct peer *p)
{
    sluice_free(p->s);
    peer_hang_up(p);
}

static inline void peer_send(const struct peer *p, const void *bytes, size_t n)
{
    assert_int_equal(write(p->fd, bytes, n), n);
}

static inline void peer_expect(const struct peer *p, const void *bytes,
                               size_t n)
{
    char *got = malloc(n);
    assert_int_equal(recv(p->fd, got, n, MSG_WAITALL), n);
    assert_memory_equal(got, bytes, n);
    free(got);
}

static inline void peer_expect_nothing(const struct peer *p)
{
    char byte;
    assert_int_equal(recv(p->fd, &byte, 1, MSG_DONTWAIT), -1);
}

static inline void peer_check_received(const struct peer *p, const void *bytes,
                                       size_t n)
{
    struct sluice_bytes message;
    assert_int_equal(sluice_receive(p->s, &message, PEER_PATIENCE_MS),
                     SLUICE_OK);
    assert_int_equal(message.length, n);
    assert_memory_equal(message.data, bytes, n);
}

static inline enum sluice_error peer_receive(const struct peer *p,
                                             int timeout_ms)
{
    struct sluice_bytes message;
    return sluice_receive(p->s, &message, timeout_ms);
}

/* For string literals, which may hold NULs. */
#define PEER_SEND(p, text)   peer_send(p, text, sizeof(text) - 1)
#define PEER_EXPECT(p, text) peer_expect(p, text, sizeof(text) - 1)

#endif
