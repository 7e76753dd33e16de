/* SPDX-License-Identifier: MIT
 *
 * viewers - the browsers that listen to server-sent events. One that does not
 * read is not waited for: what does not fit into its bounded output it misses,
 * and is told how much when it reads again.
 */
#ifndef SLUICE_CLIENT_MONITOR_VIEWERS_H
#define SLUICE_CLIENT_MONITOR_VIEWERS_H

#include <stddef.h>

struct evhttp_request;

enum { VIEWERS_MAX = 500, VIEWER_UNSENT_MAX = 1 << 20 };

struct viewers;

struct viewers *viewers_new(void);
void viewers_free(struct viewers *v); /* after the server */

/* Answers the request with events until the browser leaves; 503 when there are
 * VIEWERS_MAX. The headers of the answer are set. */
void viewers_add(struct viewers *v, struct evhttp_request *request);

/* Sends one event, as text, to all. */
void viewers_tell(struct viewers *v, const char *event, size_t length);

#endif
