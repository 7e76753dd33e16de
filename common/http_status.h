/* SPDX-License-Identifier: MIT
 *
 * http_status - the statuses that are answered, and their texts.
 */
#ifndef SLUICE_COMMON_HTTP_STATUS_H
#define SLUICE_COMMON_HTTP_STATUS_H

enum http_status {
    HTTP_UNDECIDED = 0, /* not yet; never answered */
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_MISDIRECTED = 421,
    HTTP_UPGRADE_REQUIRED = 426,
    HTTP_HEAD_TOO_LARGE = 431,
    HTTP_UNAVAILABLE = 503,
    HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* What is decided of a request. */
struct http_verdict {
    enum http_status status; /* HTTP_OK: it is answered */
    const char *sentence;    /* of a refusal, a constant; NULL: the status's */
};

/* The text of the status line; a constant. */
const char *http_status_text(enum http_status status);

/* The body of a refusal, without the end of its line; a constant. */
const char *http_status_sentence(enum http_status status);

/* The headers that belong to the status, as lines; a constant, often "". */
const char *http_status_headers(enum http_status status);

#endif
