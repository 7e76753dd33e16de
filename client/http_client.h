/* SPDX-License-Identifier: MIT
 *
 * http_client - asks an HTTP server for documents, one at a time and each on a
 * connection of its own, in clear or under TLS, as whoever the options say. It
 * does not wait, but for the lookup of a host's name: its owner waits for the
 * descriptor, and calls again. What is refused is a failure like another, with
 * a sentence that says what to do.
 *
 *     IDLE -> DIALLING -> SENDING -> READING -> IDLE
 */
#ifndef SLUICE_CLIENT_HTTP_CLIENT_H
#define SLUICE_CLIENT_HTTP_CLIENT_H

#include "client/http_url.h"
#include "client/lib/approach.h"
#include "client/lib/wire.h"
#include "client/login.h"
#include "client/sluice.h"

#include <stdbool.h>
#include <stddef.h>

struct sluice_trust;
struct target;

enum http_client_stage {
    HTTP_CLIENT_IDLE,
    HTTP_CLIENT_DIALLING,
    HTTP_CLIENT_SENDING, /* which shakes hands as well, under TLS */
    HTTP_CLIENT_READING,
};

enum { HTTP_CLIENT_REQUEST_BYTES = 2048 };

struct http_client {
    struct http_url url;
    struct sluice_trust *trust; /* NULL: in clear */
    char login[LOGIN_HEADER_BYTES];
    enum http_client_stage stage;
    struct sluice_approach approach; /* DIALLING */
    struct sluice_wire wire;         /* SENDING, READING */
    bool has_answered;               /* ever */
    size_t answer_max;               /* bytes, with its head */
    char request[HTTP_CLIENT_REQUEST_BYTES];
    size_t request_bytes, sent;
    char *answer; /* what has come, with a NUL behind it; the body alone when it
                     is complete; NULL when nothing came */
    size_t answer_bytes, answer_room;
    struct sluice_failure failure;
};

/* Reads the files that `t` names; may ask for a password. `url` is as in
 * http_url.h; TLS is spoken if it or `t` asks for it. Anything but SLUICE_OK is
 * a mistake of the user's, with a sentence in c->failure.
 * http_client_fini is needed in any case. */
SLUICE_MUST_CHECK enum sluice_error http_client_init(struct http_client *c,
                                                     const char *url,
                                                     const struct target *t,
                                                     size_t answer_max);
void http_client_fini(struct http_client *c);

/* Asks for `path`. Results are those of http_client_continue. */
SLUICE_MUST_CHECK enum sluice_error http_client_begin(struct http_client *c,
                                                      const char *path);

/* Goes on. SLUICE_OK: c->answer has the document until the next request.
 * SLUICE_AGAIN: call again when http_client_fd() has one of the events, or
 * after http_client_left_ms(). Else it has failed: c->failure has a sentence,
 * and another request may be begun. */
SLUICE_MUST_CHECK enum sluice_error http_client_continue(struct http_client *c);

/* -1 when it waits for nothing. */
int http_client_fd(const struct http_client *c);
short http_client_events(const struct http_client *c); /* of poll(2) */
int http_client_left_ms(const struct http_client *c);  /* -1: forever */

/* Gives up the request, if there is one. */
void http_client_end(struct http_client *c);

/* Whether the same request would fail again, after this error. */
bool http_client_is_final(enum sluice_error error);

/* Asks, and waits, `timeout_ms` at most or until a stop signal. */
SLUICE_MUST_CHECK enum sluice_error
http_client_ask(struct http_client *c, const char *path, int timeout_ms);

#endif
