/* SPDX-License-Identifier: MIT
 *
 * http_login - what a client of HTTP shows of itself: the header Authorization,
 * as a user and a password (Basic, RFC 7617) or as a token (Bearer, RFC 6750).
 */
#ifndef SLUICE_COMMON_HTTP_LOGIN_H
#define SLUICE_COMMON_HTTP_LOGIN_H

#include <stddef.h>

enum { HTTP_LOGIN_MAX = 640 }; /* octets of user and secret, with their NULs */

enum http_scheme {
    HTTP_NOTHING_SHOWN,
    HTTP_BASIC,
    HTTP_BEARER,
    HTTP_OTHER_SCHEME, /* unknown, malformed or too long */
};

struct http_login {
    enum http_scheme scheme;
    const char *user;     /* in `bytes`, as what follows; "" with BEARER */
    const char *secret;   /* without NULs, like the user */
    size_t secret_length; /* without its NUL */
    char bytes[HTTP_LOGIN_MAX];
};

/* Reads the value of the header; NULL: there is none. What it points to lies
 * within *out, which must not be moved. */
void http_login_parse(struct http_login *out, const char *authorization);

/* Forgets the secret. */
void http_login_wipe(struct http_login *l);

#endif
