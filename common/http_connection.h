/* SPDX-License-Identifier: MIT
 *
 * http_connection - one request and its answer, without the socket: it is given
 * the bytes received, and holds the bytes to be sent. It answers one GET,
 * HEAD or POST and reads no body. Both programs drive it from their own loops;
 * it calls them back only for the route's document.
 *
 *     SILENT -> ASKING -> JUDGING --> ANSWERING -> LEAVING
 *                           |`--> WAITING ---'
 *                           `---> STREAMING
 *
 * LEAVING waits until the peer has closed, and discards what it sends: closing
 * first, with input unread, would make the kernel take back the answer.
 */
#ifndef SLUICE_COMMON_HTTP_CONNECTION_H
#define SLUICE_COMMON_HTTP_CONNECTION_H

#include "common/http_head.h"
#include "common/http_site.h"

#include <sys/uio.h>

/* In the order in which they give way to a newcomer; see http_pool.h. */
enum http_stage {
    HTTP_SILENT, /* has sent nothing */
    HTTP_ASKING, /* has sent a part of a head, or what comes before it */
    HTTP_LEAVING,
    HTTP_JUDGING, /* it is being decided whether it is answered; may take no
                     time */
    HTTP_WAITING, /* for its document to be made */
    HTTP_ANSWERING,
    HTTP_STREAMING,
};

enum { HTTP_CONNECTION_IOVS = 2 };

/* Embedded in the caller's own connection. To be read, but written by
 * http_connection.c alone. */
struct http_connection {
    const struct http_site *site;
    enum http_stage stage;
    uint32_t accepted_ms; /* or when its wait ended */
    uint32_t moved_ms;    /* when a stream last took something */
    char *head;           /* of HTTP_HEAD_MAX bytes; NULL before and after */
    size_t head_bytes;    /* received of it */
    char *out;            /* head of the answer, or what a stream has unsent */
    size_t out_bytes, out_room;
    struct http_document *document;   /* that `body` is of; NULL when none */
    const struct http_route *awaited; /* NULL unless JUDGING or WAITING */
    struct http_request request;      /* JUDGING: as in `head` */
    bool is_head;                     /* only the head was asked for */
    const char *body;                 /* follows `out`; NULL when none */
    size_t body_bytes;
    size_t sent;         /* of `out` and then `body` */
    uint64_t missed;     /* events a stream missed; kept by its writer */
    const char *allowed; /* the methods of the route asked for */
    uint32_t user; /* at the other end: set by the caller if it is known, else
                      HTTP_NO_USER */
    enum http_status refusal; /* set by the caller: the answer to each request
                                 that is understood; HTTP_OK: the route's */
};

/* Milliseconds are of any clock that only goes forward; they may wrap. */
void http_connection_init(struct http_connection *c,
                          const struct http_site *site, uint32_t now_ms);

/* Frees what it holds. */
void http_connection_fini(struct http_connection *c);

/* Bytes came that are not for it, and let expect a head: those of a handshake,
 * for example. */
void http_connection_expect(struct http_connection *c);

/* Takes what was read; calls the route's function when the head is complete.
 * False when there is no memory: the caller closes. */
bool http_connection_receive(struct http_connection *c, const char *bytes,
                             size_t n, uint32_t now_ms);

/* The verdict on one that is JUDGING. False when there is no memory: the caller
 * closes. */
bool http_connection_judged(struct http_connection *c,
                            struct http_verdict verdict, uint32_t now_ms);

/* Answers one that is WAITING if its document is there now. False when there is
 * no memory: the caller closes. */
bool http_connection_resume(struct http_connection *c, uint32_t now_ms);

/* Whether it is to be read; an end of file that is met then ends it. Not while
 * an answer is sent: the client may have closed its side and still expect the
 * answer. */
bool http_connection_wants_input(const struct http_connection *c);

/* The bytes to be sent; returns the number of pieces, 0 when there are none. */
int http_connection_output(const struct http_connection *c,
                           struct iovec out[HTTP_CONNECTION_IOVS]);

/* So many bytes of it were sent. After the last one of an answer it is LEAVING,
 * and the caller shuts down its side. */
void http_connection_sent(struct http_connection *c, size_t n, uint32_t now_ms);

/* Adds bytes to a stream, all or none. False when they are too many to wait,
 * or there is no memory. */
bool http_connection_push(struct http_connection *c, const char *bytes,
                          size_t n, uint32_t now_ms);

/* The time that it has left: 0 when it is to be closed now, UINT32_MAX when
 * nothing limits it at present. */
uint32_t http_connection_left_ms(const struct http_connection *c,
                                 uint32_t now_ms);

#endif
