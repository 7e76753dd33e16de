/* SPDX-License-Identifier: MIT
 *
 * feed - a ZeroMQ socket that brokers or applications report to. It receives
 * and never waits; what a message means is not its business.
 */
#ifndef SLUICE_CLIENT_MONITOR_FEED_H
#define SLUICE_CLIENT_MONITOR_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct feed;

enum feed_kind { FEED_SUBSCRIBE, FEED_PULL };

struct feed_setup {
    enum feed_kind kind;
    bool is_bound;        /* else it connects, again and again */
    const char *endpoint; /* as ZeroMQ writes it: tcp://127.0.0.1:5556 */
    int64_t max_bytes;    /* of a part; -1: any. Who sends more is cut off */
};

enum { FEED_PARTS = 3 };

struct feed_message {
    size_t parts;
    struct feed_part {
        const void *data;
        size_t length;
    } part[FEED_PARTS];
};

/* What the feeds of a process share; NULL, with errno, when it cannot be. */
void *feed_context_new(void);
void feed_context_free(void *context); /* after the last feed; may be NULL */

/* NULL, with errno, when the endpoint cannot be used. */
struct feed *feed_open(void *context, const struct feed_setup *setup);
void feed_close(struct feed *f); /* may be NULL */

/* What errno means after feed_context_new() or feed_open(). */
const char *feed_error(void);

/* Asks for the messages whose first part begins so. Nothing comes before. */
void feed_subscribe(struct feed *f, const char *beginning);

/* Where it is bound, with the port that was got, or connects to. */
enum { FEED_ENDPOINT_BYTES = 256 };
void feed_endpoint(const struct feed *f, char out[FEED_ENDPOINT_BYTES]);

/* Readable when there may be messages again. It is edge-triggered: wait for it
 * only after feed_receive() said that there are none. */
int feed_fd(const struct feed *f);

/* False: none is there. What is received is valid until the next call. Messages
 * of more than FEED_PARTS parts are passed over. */
bool feed_receive(struct feed *f, struct feed_message *message);

#endif
