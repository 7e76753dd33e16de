/* SPDX-License-Identifier: MIT */
#include "common/http_status.h"

#include <stddef.h>

static const struct http_status_row {
    enum http_status status;
    const char *text;
    const char *sentence; /* NULL: the text */
    const char *headers;  /* NULL: none */
} http_status_rows[] = {
    {HTTP_OK, "OK", NULL, NULL},
    {HTTP_BAD_REQUEST, "Bad Request", NULL, NULL},
    {HTTP_UNAUTHORIZED, "Unauthorized",
     "whoever asks here must be known: show a user's password, or a token",
     "WWW-Authenticate: Basic realm=\"sluice\", charset=\"UTF-8\"\r\n"
     "WWW-Authenticate: Bearer realm=\"sluice\"\r\n"},
    {HTTP_FORBIDDEN, "Forbidden", NULL, NULL},
    {HTTP_NOT_FOUND, "Not Found", NULL, NULL},
    {HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed", NULL, NULL},
    {HTTP_MISDIRECTED, "Misdirected Request", NULL, NULL},
    {HTTP_UPGRADE_REQUIRED, "Upgrade Required",
     "this address demands TLS: ask with https://",
     "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade\r\n"},
    {HTTP_HEAD_TOO_LARGE, "Request Header Fields Too Large", NULL, NULL},
    {HTTP_UNAVAILABLE, "Service Unavailable", NULL, NULL},
    {HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported", NULL, NULL},
};

static const struct http_status_row *http_status_row(enum http_status status)
{
    unsigned i = 0;
    while (http_status_rows[i].status != status)
        i++;
    return &http_status_rows[i];
}

const char *http_status_text(enum http_status status)
{
    return http_status_row(status)->text;
}

const char *http_status_sentence(enum http_status status)
{
    const struct http_status_row *row = http_status_row(status);
    return row->sentence ? row->sentence : row->text;
}

const char *http_status_headers(enum http_status status)
{
    const char *headers = http_status_row(status)->headers;
    return headers ? headers : "";
}
