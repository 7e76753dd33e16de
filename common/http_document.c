/* SPDX-License-Identifier: MIT */
#include "common/http_document.h"

#include <stdlib.h>

struct http_document *http_document_new(enum http_status status, char *bytes,
                                        size_t length)
{
    struct http_document *d = bytes ? malloc(sizeof *d) : NULL;
    if (d)
        *d = (struct http_document){status, length, bytes, 1};
    else
        free(bytes);
    return d;
}

struct http_document *http_document_ref(struct http_document *d)
{
    d->refs++;
    return d;
}

void http_document_unref(struct http_document *d)
{
    if (!d || --d->refs > 0)
        return;
    free(d->bytes);
    free(d);
}
