/* SPDX-License-Identifier: MIT */
#include "client/http_client.h"

#include "client/http_answer.h"
#include "client/lib/deadline.h"
#include "client/lib/trust.h"
#include "client/stop_signal.h"
#include "client/target.h"
#include "common/sentence.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_CLIENT_STEP_BYTES = 16 << 10 };

/* --- life ---------------------------------------------------------------- */

static enum sluice_error http_client_secure(struct http_client *c,
                                            const struct target *t)
{
    struct sluice_tls tls;
    if (!target_tls(t, &tls) && !c->url.is_secured)
        return SLUICE_OK;
    enum sluice_error error = sluice_trust_new(&tls, &c->trust, &c->failure);
    if (error == SLUICE_OK)
        sluice_trust_speak_http(c->trust);
    return error;
}

enum sluice_error http_client_init(struct http_client *c, const char *url,
                                   const struct target *t, size_t answer_max)
{
    struct sentence why;
    *c = (struct http_client){
        .approach.fd = -1, .wire.fd = -1, .answer_max = answer_max};
    if (!http_url_parse(url, &c->url, &why))
        return sluice_failure_set(&c->failure, SLUICE_BAD_ADDRESS, "%s",
                                  why.text);
    enum sluice_error error = http_client_secure(c, t);
    return error == SLUICE_OK
               ? login_write_header(&t->login, c->login, &c->failure)
               : error;
}

void http_client_end(struct http_client *c)
{
    if (c->stage == HTTP_CLIENT_DIALLING)
        sluice_approach_end(&c->approach);
    else if (c->stage != HTTP_CLIENT_IDLE)
        sluice_wire_close(&c->wire);
    explicit_bzero(c->request, sizeof c->request);
    c->stage = HTTP_CLIENT_IDLE;
}

static void http_client_drop_answer(struct http_client *c)
{
    free(c->answer);
    c->answer = NULL;
    c->answer_bytes = c->answer_room = 0;
}

void http_client_fini(struct http_client *c)
{
    http_client_end(c);
    http_client_drop_answer(c);
    sluice_trust_free(c->trust);
    explicit_bzero(c->login, sizeof c->login);
}

static enum sluice_error http_client_fail(struct http_client *c,
                                          enum sluice_error error)
{
    http_client_end(c);
    http_client_drop_answer(c);
    return error;
}

/* A broker's port for messages closes, or cuts, such a connection. */
static enum sluice_error http_client_is_foreign(struct http_client *c)
{
    return sluice_failure_set(&c->failure, SLUICE_FOREIGN,
                              "%s does not answer as sluiced does over HTTP: "
                              "give the address of a broker's --http",
                              c->url.address);
}

/* What errno says of a connection that was made. */
static enum sluice_error http_client_broke(struct http_client *c)
{
    int err = errno;
    const struct sluice_failure *why = sluice_wire_failure(&c->wire);
    if (err == EPROTO && why)
        c->failure = *why;
    else if (!c->has_answered)
        (void)http_client_is_foreign(c);
    else
        (void)sluice_failure_set(&c->failure, SLUICE_BROKEN,
                                 "the connection to %s broke: %s",
                                 c->url.address, strerror(err));
    return http_client_fail(c, c->failure.error);
}

/* --- the steps ----------------------------------------------------------- */

static enum sluice_error http_client_finish(struct http_client *c)
{
    const struct http_answer_peer peer = {.url = &c->url,
                                          .is_secured = c->trust != NULL,
                                          .has_login = c->login[0] != '\0'};
    struct http_answer a;
    http_client_end(c);
    if (!http_answer_parse(&a, c->answer, c->answer_bytes))
        return http_client_fail(c, http_client_is_foreign(c));
    c->has_answered = true;
    if (a.status != 200)
        return http_client_fail(c, http_answer_refused(&a, &peer, &c->failure));
    memmove(c->answer, a.body, a.body_bytes + 1);
    c->answer_bytes = a.body_bytes;
    return SLUICE_OK;
}

static bool http_client_make_room(struct http_client *c)
{
    if (c->answer_room - c->answer_bytes > HTTP_CLIENT_STEP_BYTES)
        return true;
    size_t room =
        c->answer_room > 0 ? 2 * c->answer_room : 2 * HTTP_CLIENT_STEP_BYTES;
    char *more = realloc(c->answer, room);
    if (!more)
        return false;
    c->answer = more;
    c->answer_room = room;
    return true;
}

/* Until all is there that the head announces, or to the end. */
static enum sluice_error http_client_read(struct http_client *c)
{
    for (;;) {
        if (!http_client_make_room(c))
            return http_client_fail(c, sluice_failure_set(&c->failure,
                                                          SLUICE_NO_MEMORY,
                                                          "out of memory"));
        ssize_t n = sluice_wire_read(&c->wire, c->answer + c->answer_bytes,
                                     c->answer_room - c->answer_bytes - 1);
        if (n < 0)
            return errno == EAGAIN ? SLUICE_AGAIN : http_client_broke(c);
        c->answer_bytes += (size_t)n;
        c->answer[c->answer_bytes] = '\0';
        if (n == 0 || http_answer_is_whole(c->answer, c->answer_bytes))
            return http_client_finish(c);
        if (c->answer_bytes > c->answer_max)
            return http_client_fail(
                c, sluice_failure_set(&c->failure, SLUICE_TOO_LONG,
                                      "the answer of %s is longer than any of "
                                      "sluiced",
                                      c->url.address));
    }
}

static enum sluice_error http_client_send(struct http_client *c)
{
    while (c->sent < c->request_bytes) {
        ssize_t n = sluice_wire_send(&c->wire, c->request + c->sent,
                                     c->request_bytes - c->sent);
        if (n < 0)
            return errno == EAGAIN ? SLUICE_AGAIN : http_client_broke(c);
        c->sent += (size_t)n;
    }
    explicit_bzero(c->request, sizeof c->request);
    c->stage = HTTP_CLIENT_READING;
    return http_client_read(c);
}

/* The socket is connected. */
static enum sluice_error http_client_start(struct http_client *c)
{
    c->wire = (struct sluice_wire){.fd = c->approach.fd};
    c->stage = HTTP_CLIENT_SENDING;
    if (c->trust) {
        enum sluice_error error =
            sluice_wire_secure(&c->wire, c->trust, c->url.address, &c->failure);
        if (error != SLUICE_OK)
            return http_client_fail(c, error);
    }
    return http_client_send(c);
}

static enum sluice_error http_client_dialled(struct http_client *c,
                                             enum sluice_error error)
{
    if (error == SLUICE_OK)
        return http_client_start(c);
    if (error != SLUICE_AGAIN)
        c->stage = HTTP_CLIENT_IDLE;
    return error;
}

enum sluice_error http_client_begin(struct http_client *c, const char *path)
{
    http_client_end(c);
    http_client_drop_answer(c);
    int n = snprintf(c->request, sizeof c->request,
                     "GET %s%s HTTP/1.1\r\nHost: %s\r\n%s"
                     "User-Agent: sluice/" SLUICE_VERSION
                     "\r\nConnection: close\r\n\r\n",
                     c->url.path, path, c->url.host, c->login);
    if (n >= (int)sizeof c->request)
        return sluice_failure_set(&c->failure, SLUICE_BAD_ADDRESS,
                                  "the request for %s is too long",
                                  c->url.address);
    c->request_bytes = (size_t)n;
    c->sent = 0;
    c->stage = HTTP_CLIENT_DIALLING;
    return http_client_dialled(
        c, sluice_approach_begin(&c->approach, c->url.address,
                                 SLUICE_DIAL_USUAL, &c->failure));
}

static enum sluice_error http_client_dial_on(struct http_client *c)
{
    return http_client_dialled(
        c, sluice_approach_continue(&c->approach, c->url.address, &c->failure));
}

static enum sluice_error http_client_stand(struct http_client *c)
{
    (void)c;
    return SLUICE_AGAIN;
}

enum sluice_error http_client_continue(struct http_client *c)
{
    static enum sluice_error (*const steps[])(struct http_client * c) = {
        [HTTP_CLIENT_IDLE] = http_client_stand,
        [HTTP_CLIENT_DIALLING] = http_client_dial_on,
        [HTTP_CLIENT_SENDING] = http_client_send,
        [HTTP_CLIENT_READING] = http_client_read,
    };
    return steps[c->stage](c);
}

/* --- waiting ------------------------------------------------------------- */

int http_client_fd(const struct http_client *c)
{
    if (c->stage == HTTP_CLIENT_IDLE)
        return -1;
    return c->stage == HTTP_CLIENT_DIALLING ? c->approach.fd : c->wire.fd;
}

short http_client_events(const struct http_client *c)
{
    if (c->stage == HTTP_CLIENT_DIALLING)
        return POLLOUT;
    return sluice_wire_events(&c->wire, c->stage == HTTP_CLIENT_SENDING);
}

int http_client_left_ms(const struct http_client *c)
{
    return c->stage == HTTP_CLIENT_DIALLING
               ? sluice_deadline_left(c->approach.due)
               : -1;
}

bool http_client_is_final(enum sluice_error error)
{
    return error == SLUICE_REFUSED || error == SLUICE_UNTRUSTED ||
           error == SLUICE_TLS || error == SLUICE_BAD_ADDRESS ||
           error == SLUICE_BAD_OPTION || error == SLUICE_UNRESOLVED ||
           error == SLUICE_DENIED || error == SLUICE_FOREIGN;
}

static int http_client_least(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

enum sluice_error http_client_ask(struct http_client *c, const char *path,
                                  int timeout_ms)
{
    sluice_deadline due = sluice_deadline_in(timeout_ms);
    enum sluice_error error = http_client_begin(c, path);
    while (error == SLUICE_AGAIN && !stop_signal_came()) {
        struct pollfd fds[] = {
            {.fd = http_client_fd(c), .events = http_client_events(c)},
            {.fd = stop_signal_fd(), .events = POLLIN},
        };
        int left_ms = sluice_deadline_left(due);
        if (left_ms == 0)
            return http_client_fail(
                c, sluice_failure_set(&c->failure, SLUICE_TIMEOUT,
                                      "%s does not answer; raise --timeout",
                                      c->url.address));
        (void)poll(fds, 2, http_client_least(left_ms, http_client_left_ms(c)));
        error = http_client_continue(c);
    }
    return error == SLUICE_AGAIN
               ? http_client_fail(c, sluice_failure_set(&c->failure,
                                                        SLUICE_INTERRUPTED,
                                                        "interrupted"))
               : error;
}
