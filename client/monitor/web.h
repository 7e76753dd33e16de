/* SPDX-License-Identifier: MIT
 *
 * web - the HTTP server of the collector: the sockets under the connections of
 * common/http_pool.h, on libevent. The caller passes in the site that it
 * serves.
 */
#ifndef SLUICE_CLIENT_MONITOR_WEB_H
#define SLUICE_CLIENT_MONITOR_WEB_H

#include "common/http_pool.h"
#include "common/sentence.h"

struct event_base;
struct network;
struct tls_server;
struct web;

/* Listens. NULL, with the reason, when that is not possible. The site is
 * borrowed, as is `tls`: NULL when it is spoken in clear, else it is the only
 * one who is spoken to. */
struct web *web_open(struct event_base *base, const struct http_site *site,
                     const char *address, struct tls_server *tls,
                     struct sentence *why);

/* Closes every connection. NULL is allowed. */
void web_close(struct web *w);

/* host:port, with the port in use. */
const char *web_address(const struct web *w);

/* Its connections, to be written to; then web_flush. */
struct http_pool *web_pool(struct web *w);

/* Where a connection of it comes from; false when that is not known any more.
 */
bool web_peer(const struct http_connection *c, struct network *out);

/* Closes the streams: their browsers connect again, and are judged again. */
void web_end_streams(struct web *w);

/* The time that its connections live by. */
uint32_t web_now_ms(void);

/* Sends what was added to the streams. */
void web_flush(struct web *w);

/* A document that was being made is there: answers those that wait for it. */
void web_resume(struct web *w);

#endif
