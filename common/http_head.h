/* SPDX-License-Identifier: MIT
 *
 * http_head - the head of one HTTP request, read strictly: a request that two
 * readers could understand in two ways is refused, so nothing can be smuggled
 * past a proxy in front. Bodies are never read.
 */
#ifndef SLUICE_COMMON_HTTP_HEAD_H
#define SLUICE_COMMON_HTTP_HEAD_H

#include "common/http_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 8192 };

struct http_request {
    const char *path;  /* without the query */
    const char *query; /* what follows '?', still encoded; "" when none */
    const char *host;
    const char *origin;        /* NULL when none */
    const char *authorization; /* the same */
    bool is_head, is_post, has_body;
    uint32_t user; /* who asks, HTTP_NO_USER if unknown; not of the head */
};

#define HTTP_NO_USER UINT32_MAX

enum http_progress { HTTP_MORE, HTTP_COMPLETE, HTTP_BROKEN };

/* Whether the first `n` bytes hold a whole head, the first `looked` of them
 * being known to hold none; *length is then its length. */
enum http_progress http_head_look(const char *bytes, size_t looked, size_t n,
                                  size_t *length);

/* Reads a whole head of `length` bytes, changing it. HTTP_OK when it is a good
 * GET or HEAD, HTTP_METHOD_NOT_ALLOWED when it is good but for its method: only
 * then *out is set, with texts that are in `head`. */
enum http_status http_head_parse(struct http_request *out, char *head,
                                 size_t length);

#endif
