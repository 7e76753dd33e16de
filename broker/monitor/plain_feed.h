/* SPDX-License-Identifier: MIT
 *
 * plain_feed - the documents of each interval as messages of one part, for
 * programs that take any message to be JSON. It makes them only while somebody
 * is connected.
 */
#ifndef SLUICE_MONITOR_PLAIN_FEED_H
#define SLUICE_MONITOR_PLAIN_FEED_H

#include <stdbool.h>

#include "broker/monitor/pub_socket.h"

struct broker_view;
struct plain_feed;
struct survey_result;

/* `kind` is one that is bound. NULL when the system refuses, with the reason in
 * errno. */
struct plain_feed *plain_feed_new(const struct broker_view *broker,
                                  struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind);

void plain_feed_free(struct plain_feed *f); /* NULL is allowed */

/* To be bound and started. */
struct pub_socket *plain_feed_socket(struct plain_feed *f);

/* Once per interval: sends what needs no survey. True when a survey is needed
 * for the other documents. */
bool plain_feed_send(struct plain_feed *f);

/* Sends the documents of a survey. */
void plain_feed_send_seen(struct plain_feed *f,
                          const struct survey_result *seen);

#endif
