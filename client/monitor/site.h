/* SPDX-License-Identifier: MIT
 *
 * site - the documents that the collector serves over HTTP: the page, /history
 * and /feed.
 */
#ifndef SLUICE_CLIENT_MONITOR_SITE_H
#define SLUICE_CLIENT_MONITOR_SITE_H

#include "client/monitor/reporters.h"
#include "common/http_pool.h"

struct site {
    const struct reporters *reporters;
    const struct http_pool *pool; /* of the server; NULL until it is there */
    struct http_route *routes;    /* of http */
    struct http_site http;        /* for the server */
};

/* `reporters` and `names`, the hosts that requests may name, are borrowed.
 * False when there is no memory. */
bool site_init(struct site *s, const struct reporters *reporters,
               const char *const *names, size_t name_count);

void site_fini(struct site *s);

#endif
