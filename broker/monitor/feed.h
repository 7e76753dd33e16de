/* SPDX-License-Identifier: MIT
 *
 * feed - what any ZeroMQ subscriber can watch: documents once per interval,
 * events as they happen, and taps. It knows who wants what, and makes nothing
 * that nobody wants.
 */
#ifndef SLUICE_MONITOR_FEED_H
#define SLUICE_MONITOR_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/monitor/outlet.h"

struct feed;
struct subject;

enum { FEED_EVENTS_PER_SECOND = 100 }; /* of each kind */

/* NULL when the system refuses, with the reason in errno. */
struct feed *feed_new(struct subject *subject, struct outlet_ground *ground,
                      uint64_t taps_per_second);

void feed_free(struct feed *f); /* NULL is allowed */

/* As outlet_bind. */
bool feed_bind(struct feed *f, const char *endpoint,
               char bound[OUTLET_ENDPOINT_BYTES],
               char error[OUTLET_ERROR_BYTES]);

/* A set of documents is due. */
void feed_send(struct feed *f);

#endif
