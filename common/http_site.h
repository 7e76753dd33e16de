/* SPDX-License-Identifier: MIT
 *
 * http_site - the documents of an HTTP server, the hosts and origins it
 * answers, and its bounds.
 */
#ifndef SLUICE_COMMON_HTTP_SITE_H
#define SLUICE_COMMON_HTTP_SITE_H

#include "common/http_document.h"
#include "common/http_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct http_connection;
struct http_request;

/* A path and its document. One of `write`, `answer`, `get`, `bytes` and `admit`
 * is set. */
struct http_route {
    const char *path, *type; /* type: the media type */
    bool is_post;            /* asked for by POST, without a body, and not by
                                GET or HEAD; for `answer` alone */

    bool is_for_all; /* whoever asks; see http_site.judge */

    /* Makes the document for each request; returns the status it is sent
     * with. */
    enum http_status (*write)(void *arg, FILE *out);

    /* The same for a request with a query; see http_query.h. If the status is
     * not HTTP_OK, what it writes is a sentence. */
    enum http_status (*answer)(void *arg, const struct http_request *request,
                               FILE *out);

    /* The document at present, shared by all that ask; the route keeps its
     * reference. NULL while it is being made: the connection waits, until
     * http_connection_resume. */
    struct http_document *(*get)(void *arg);

    /* A document that never changes. */
    const void *bytes;
    size_t length;

    /* A stream: the answer has no end. False when there are too many; the
     * answer is then HTTP_UNAVAILABLE. */
    bool (*admit)(void *arg);
};

/* All that it points to must last as long as the server. */
struct http_site {
    const struct http_route *routes;
    size_t route_count;
    void *arg; /* of the routes' functions */

    const char *const *names; /* good in Host, beside addresses, localhost */
    size_t name_count;
    enum http_status stranger; /* the answer to any other Host */
    bool has_own_origin;       /* other origins are answered HTTP_FORBIDDEN */
    bool has_tls;              /* the origin is one with https */

    /* Decides whether a request is answered, unless its route is for all.
     * HTTP_UNDECIDED: http_connection_judged() will be called. NULL: all are
     * answered. */
    struct http_verdict (*judge)(struct http_connection *c,
                                 const struct http_request *request);

    const char *headers; /* of every answer, as lines; may be "" */

    size_t connections_max;
    uint32_t head_ms;   /* from accepting to a whole head, and its verdict */
    uint32_t wait_ms;   /* from accepting to a document that is being made */
    uint32_t answer_ms; /* from accepting, or the end of such a wait, to the end
                           of an answer */
    uint32_t stall_ms;  /* for a stream that takes nothing */
    size_t unsent_max;  /* bytes that a stream may have waiting */
};

#endif
