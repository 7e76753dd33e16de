/* SPDX-License-Identifier: MIT */
#include "common/http_status.h"

static const struct {
    enum http_status status;
    const char *text;
} http_status_rows[] = {
    {HTTP_OK, "OK"},
    {HTTP_BAD_REQUEST, "Bad Request"},
    {HTTP_FORBIDDEN, "Forbidden"},
    {HTTP_NOT_FOUND, "Not Found"},
    {HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed"},
    {HTTP_MISDIRECTED, "Misdirected Request"},
    {HTTP_HEAD_TOO_LARGE, "Request Header Fields Too Large"},
    {HTTP_UNAVAILABLE, "Service Unavailable"},
    {HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported"},
};

const char *http_status_text(enum http_status status)
{
    unsigned i = 0;
    while (http_status_rows[i].status != status)
        i++;
    return http_status_rows[i].text;
}
