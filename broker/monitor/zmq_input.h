/* SPDX-License-Identifier: MIT
 *
 * zmq_input - calls back in the loop while a ZeroMQ socket has messages to
 * read. The descriptor of such a socket reports a change only once, and any use
 * of the socket may consume that report: so whoever uses the socket otherwise
 * has to call zmq_input_recheck afterwards.
 */
#ifndef SLUICE_MONITOR_ZMQ_INPUT_H
#define SLUICE_MONITOR_ZMQ_INPUT_H

#include <stdbool.h>

struct event;
struct reactor;

struct zmq_input {
    void *socket;        /* borrowed */
    struct event *event; /* NULL when it is closed */
    /* Reads one message; false when there is none. */
    bool (*read_one)(void *arg);
    void *arg;
};

/* From now on `read_one` is called, as often as there are messages but a
 * bounded number of times in a turn. False, with the reason in errno, when the
 * system refuses. */
bool zmq_input_open(struct zmq_input *in, struct reactor *r, void *socket,
                    bool (*read_one)(void *arg), void *arg);

/* Call this before the socket is closed. Harmless when all is zero. */
void zmq_input_close(struct zmq_input *in);

/* Call this after each other use of the socket. */
void zmq_input_recheck(struct zmq_input *in);

#endif
