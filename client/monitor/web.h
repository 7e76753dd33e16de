/* SPDX-License-Identifier: MIT
 *
 * web - the HTTP server: the page, /history and /feed. It answers GET and HEAD
 * of those who ask for it by a name it knows, one request per connection.
 */
#ifndef SLUICE_CLIENT_MONITOR_WEB_H
#define SLUICE_CLIENT_MONITOR_WEB_H

#include "client/monitor/gallery.h"
#include "client/monitor/viewers.h"

struct event_base;
struct web;

struct web_setup {
    const char *address;      /* host:port or [v6]:port; port 0: any */
    const char *const *names; /* it may be asked by, beside addresses */
    size_t name_count;
    const struct gallery *gallery;
    struct viewers *viewers;
};

enum { WEB_ADDRESS_BYTES = 320 };

/* NULL, and a sentence, when it cannot be. `setup` and what it points to must
 * last as long as the server. */
struct web *web_open(struct event_base *base, const struct web_setup *setup,
                     char sentence[WEB_ADDRESS_BYTES]);
void web_close(struct web *w); /* may be NULL */

/* host:port, with the port that was got. */
const char *web_address(const struct web *w);

#endif
