/* SPDX-License-Identifier: MIT
 *
 * receiver - a ZeroMQ socket that receives what brokers and applications
 * report. It never waits, and does not know what a message means.
 */
#ifndef SLUICE_CLIENT_MONITOR_RECEIVER_H
#define SLUICE_CLIENT_MONITOR_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct receiver;

enum receiver_kind { RECEIVER_SUBSCRIBE, RECEIVER_PULL };

struct keys;

struct receiver_setup {
    enum receiver_kind kind;
    bool is_bound;           /* else it connects, and reconnects */
    const char *endpoint;    /* as ZeroMQ writes it: tcp://127.0.0.1:5556 */
    int64_t max_bytes;       /* of a part; -1: any. A peer that sends more is
                                disconnected */
    const struct keys *keys; /* to connect with; NULL: without */
    const char *secret;      /* of a bound one: peers must know its public half,
                                and are asked who they are (doorman.h); NULL:
                                they need no keys */
};

enum { RECEIVER_PARTS = 3 };

struct receiver_message {
    size_t parts;
    struct receiver_part {
        const void *data;
        size_t length;
    } part[RECEIVER_PARTS];
};

/* What all receivers of a process share; NULL, with errno, when the system
 * refuses. */
void *receiver_context_new(void);
void receiver_context_free(
    void *context); /* after the last receiver; may be NULL */

/* NULL, with errno, when the endpoint cannot be used. */
struct receiver *receiver_open(void *context,
                               const struct receiver_setup *setup);
void receiver_close(struct receiver *f); /* may be NULL */

/* What errno means after receiver_context_new() or receiver_open(). */
const char *receiver_error(void);

/* Subscribes to the messages whose first part has this beginning. Without it a
 * RECEIVER_SUBSCRIBE receives nothing. */
void receiver_subscribe(struct receiver *f, const char *beginning);

/* Where it is bound, with the port in use, or where it connects to. */
enum { RECEIVER_ENDPOINT_BYTES = 256 };
void receiver_endpoint(const struct receiver *f,
                       char out[RECEIVER_ENDPOINT_BYTES]);

/* Readable when there may be messages again. It is edge-triggered: wait for it
 * only after receiver_receive() said that there are none. */
int receiver_fd(const struct receiver *f);

/* False when there is none. What is received is valid until the next call.
 * Messages of more than RECEIVER_PARTS parts are skipped. */
bool receiver_receive(struct receiver *f, struct receiver_message *message);

#endif
