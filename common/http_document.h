/* SPDX-License-Identifier: MIT
 *
 * http_document - the body of an answer. It is made once for all that ask for
 * it at the same time, and freed when the last of them has got it.
 */
#ifndef SLUICE_COMMON_HTTP_DOCUMENT_H
#define SLUICE_COMMON_HTTP_DOCUMENT_H

#include "common/http_status.h"

#include <stddef.h>

struct http_document {
    enum http_status status; /* that it is sent with */
    size_t length;
    char *bytes;
    size_t refs;
};

/* Takes `bytes`, which are freed with it; NULL means that there was no memory
 * for them. The caller has the reference. NULL when there is no memory. */
struct http_document *http_document_new(enum http_status status, char *bytes,
                                        size_t length);

/* Returns `d` with one more reference. */
struct http_document *http_document_ref(struct http_document *d);

/* NULL is allowed. */
void http_document_unref(struct http_document *d);

#endif
