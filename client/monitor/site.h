/* SPDX-License-Identifier: MIT
 *
 * site - the documents that the collector serves over HTTP: the page, /history
 * and /feed. A history is made once a second for all that have asked since the
 * last one, and so knows everything that was reported before they asked.
 */
#ifndef SLUICE_CLIENT_MONITOR_SITE_H
#define SLUICE_CLIENT_MONITOR_SITE_H

#include "client/monitor/reporters.h"
#include "common/http_site.h"

enum {
    SITE_HISTORY_MS = 1000, /* from making one to the next, at least */
    SITE_HISTORIES_MAX = 4, /* that are still being sent */
};

struct event;
struct event_base;
struct page_users;
struct web;

struct site {
    const struct reporters *reporters;
    struct page_users *users;  /* who may see it; NULL: everybody */
    struct web *web;           /* the server; NULL until it is there */
    struct http_route *routes; /* of http */
    struct http_site http;     /* for the server */
    struct event *timer;       /* for those that wait for a history */
    int64_t next_ms;           /* when one may be made again */
    bool is_new;               /* the last one is for those that waited */
    struct http_document *histories[SITE_HISTORIES_MAX]; /* the last one first;
                                                            may be NULL */
};

/* `reporters`, `users`, which may be NULL, and `names`, the hosts that requests
 * may name, are borrowed.
 * False when there is no memory. */
bool site_init(struct site *s, struct event_base *base,
               const struct reporters *reporters, struct page_users *users,
               const char *const *names, size_t name_count);

void site_fini(struct site *s);

/* The memory that its histories take. */
size_t site_bytes(const struct site *s);

#endif
