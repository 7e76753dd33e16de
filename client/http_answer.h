/* SPDX-License-Identifier: MIT
 *
 * http_answer - what a server of HTTP has answered: taken apart, and a refusal
 * put into words that say what to do.
 */
#ifndef SLUICE_CLIENT_HTTP_ANSWER_H
#define SLUICE_CLIENT_HTTP_ANSWER_H

#include "client/lib/failure.h"

#include <stdbool.h>
#include <stddef.h>

struct http_url;

struct http_answer {
    int status;
    const char *body; /* within the text; what lies behind it is 0 */
    size_t body_bytes;
};

/* Who was asked, and how. */
struct http_answer_peer {
    const struct http_url *url;
    bool is_secured; /* under TLS */
    bool has_login;  /* with a password or a token */
};

/* Whether the first `n` bytes, behind which is a NUL, are the head and all of
 * the body that it announces. */
bool http_answer_is_whole(const char *text, size_t n);

/* Takes a whole answer apart. False when it is none: the length of the body
 * must be announced. `text` may be NULL. */
bool http_answer_parse(struct http_answer *out, const char *text, size_t n);

/* The failure that a status other than 200 is; returns why->error. */
enum sluice_error http_answer_refused(const struct http_answer *a,
                                      const struct http_answer_peer *peer,
                                      struct sluice_failure *why);

#endif
