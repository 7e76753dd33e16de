/* SPDX-License-Identifier: MIT
 *
 * feed - what any ZeroMQ subscriber can watch: documents once per interval,
 * events as they happen, and taps. It knows the subscriptions, and makes only
 * what is subscribed to.
 */
#ifndef SLUICE_MONITOR_FEED_H
#define SLUICE_MONITOR_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/monitor/pub_socket.h"

struct broker_view;
struct feed;
struct sentence;
struct survey_result;

enum { FEED_EVENTS_PER_SECOND = 100 }; /* of each kind */

/* NULL when the system refuses, with the reason in errno. */
struct feed *feed_new(struct broker_view *broker,
                      struct pub_socket_shared *shared,
                      uint64_t taps_per_second);

void feed_free(struct feed *f); /* NULL is allowed */

/* As pub_socket_protect. */
bool feed_protect(struct feed *f, const char *secret_key, struct sentence *why);

/* As pub_socket_bind. */
bool feed_bind(struct feed *f, const char *endpoint,
               char bound[PUB_SOCKET_ENDPOINT_BYTES], struct sentence *why);

/* As pub_socket_adopt. */
bool feed_adopt(struct feed *f, int fd, const char *path, struct sentence *why);

/* As pub_socket_start. */
bool feed_start(struct feed *f, struct sentence *why);

/* Once per interval: sends what needs no survey, and the counts of what was
 * left out. True when a survey is needed for the other documents. */
bool feed_send(struct feed *f);

/* Sends the documents of a survey. */
void feed_send_seen(struct feed *f, const struct survey_result *seen);

#endif
