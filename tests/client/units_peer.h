/* SPDX-License-Identifier: MIT
 *
 * units_peer - a handle that is open in version 2, and the other end of its
 * socket, for tests that play the broker unit by unit.
 */
#ifndef SLUICE_TESTS_CLIENT_UNITS_PEER_H
#define SLUICE_TESTS_CLIENT_UNITS_PEER_H

#include "tests/client/peer.h"

#include <stdio.h>

#define UNITS_INFO                                                             \
    "INFO suite/1 v=2 conn=1 run=a max=100000 hold=1 subs=9 reqs=9 ping=0s "   \
    "feat=core"

enum { UNITS_HEAD_MAX = 4096 };

static inline void units_put_frame(const struct peer *p, const void *bytes,
                                   size_t length)
{
    const unsigned char head[4] = {
        (unsigned char)(length >> 24), (unsigned char)(length >> 16),
        (unsigned char)(length >> 8), (unsigned char)length};
    peer_send(p, head, sizeof head);
    if (length > 0)
        peer_send(p, bytes, length);
}

/* What the broker sends. */
static inline void units_send(const struct peer *p, const char *head,
                              const char *body)
{
    units_put_frame(p, head, strlen(head));
    units_put_frame(p, body, strlen(body));
}

static inline size_t units_get_frame(const struct peer *p, char *bytes,
                                     size_t room)
{
    unsigned char head[4];
    assert_int_equal(recv(p->fd, head, sizeof head, MSG_WAITALL), sizeof head);
    size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
                    (size_t)head[2] << 8 | head[3];
    assert_true(length < room);
    if (length > 0)
        assert_int_equal(recv(p->fd, bytes, length, MSG_WAITALL), length);
    bytes[length] = '\0';
    return length;
}

/* The next unit of the client is `expected`, but for its request id, which is
 * returned: " rid=..." or "". It must have been flushed. */
static inline const char *units_expect(const struct peer *p,
                                       const char *expected, const char *body)
{
    static char rid[64];
    char head[UNITS_HEAD_MAX + 1], got[UNITS_HEAD_MAX + 1];
    units_get_frame(p, head, sizeof head);
    units_get_frame(p, got, sizeof got);
    char *at = strstr(head, " rid=");
    rid[0] = '\0';
    if (at) {
        size_t length = strcspn(at + 1, " ") + 1;
        snprintf(rid, sizeof rid, "%.*s", (int)length, at);
        memmove(at, at + length, strlen(at + length) + 1);
    }
    assert_string_equal(head, expected);
    assert_string_equal(got, body);
    return rid;
}

/* The same, and answers it: `verb` and `options` around the request id. */
static inline void units_answer(const struct peer *p, const char *expected,
                                const char *body, const char *verb,
                                const char *options)
{
    char head[UNITS_HEAD_MAX];
    snprintf(head, sizeof head, "%s%s%s", verb, units_expect(p, expected, body),
             options);
    units_send(p, head, "");
}

static inline const struct sluice_event *units_next(const struct peer *p)
{
    const struct sluice_event *e;
    assert_int_equal(sluice_next(p->s, &e, PEER_PATIENCE_MS), SLUICE_OK);
    return e;
}

static inline const struct sluice_event *
units_next_is(const struct peer *p, enum sluice_event_kind kind)
{
    const struct sluice_event *e = units_next(p);
    assert_int_equal(e->kind, kind);
    return e;
}

static inline void units_expect_no_event(const struct peer *p)
{
    const struct sluice_event *e;
    assert_int_equal(sluice_next(p->s, &e, SLUICE_NO_WAIT), SLUICE_AGAIN);
}

static inline void units_flush(const struct peer *p)
{
    assert_int_equal(sluice_flush(p->s, PEER_PATIENCE_MS), SLUICE_OK);
}

/* Its SLUICE_EVENT_OPEN has been taken. */
static inline struct peer units_open(void)
{
    struct peer p = peer_open();
    units_send(&p, UNITS_INFO, "");
    assert_int_equal(sluice_open(p.s, NULL, PEER_PATIENCE_MS), SLUICE_OK);
    char head[64], body[64];
    units_get_frame(&p, head, sizeof head);
    assert_memory_equal(head, "\0SLUICE/2", 10);
    units_get_frame(&p, body, sizeof body);
    units_next_is(&p, SLUICE_EVENT_OPEN);
    return p;
}

/* A subscription of this handle, made; its receipt has been taken. */
static inline void units_subscribe(const struct peer *p, const char *pattern,
                                   const struct sluice_subscription *how,
                                   uint64_t token, const char *expected,
                                   const char *options)
{
    assert_int_equal(sluice_subscribe_to(p->s, sluice_text(pattern), how, token,
                                         PEER_PATIENCE_MS),
                     SLUICE_OK);
    units_flush(p);
    units_answer(p, expected, "", "OK", options);
    assert_int_equal(units_next_is(p, SLUICE_EVENT_RECEIPT)->token, token);
}

static inline void units_assert_bytes(struct sluice_bytes bytes,
                                      const char *text)
{
    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, strlen(text));
}

#endif
