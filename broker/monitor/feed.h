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

struct broker_view;
struct feed;
struct pub_socket;
struct pub_socket_shared;
struct survey_result;

enum { FEED_EVENTS_PER_SECOND = 100 }; /* of each kind */

/* NULL when the system refuses, with the reason in errno. */
struct feed *feed_new(struct broker_view *broker,
                      struct pub_socket_shared *shared,
                      uint64_t taps_per_second);

void feed_free(struct feed *f); /* NULL is allowed */

/* To be bound and started. */
struct pub_socket *feed_socket(struct feed *f);

/* Once per interval: sends what needs no survey, and the counts of what was
 * left out. True when a survey is needed for the other documents. */
bool feed_send(struct feed *f);

/* Sends the documents of a survey. */
void feed_send_seen(struct feed *f, const struct survey_result *seen);

#endif
