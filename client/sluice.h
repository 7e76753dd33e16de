/* SPDX-License-Identifier: MIT
 *
 * libsluice - a client of the sluice broker, in C.
 *
 *     struct sluice *s = sluice_new();
 *     if (sluice_connect(s, SLUICE_DEFAULT_SERVER, 5000) != SLUICE_OK ||
 *         sluice_publish(s, sluice_text("/topic/a"), sluice_text("hello"),
 *                        SLUICE_FOREVER) != SLUICE_OK ||
 *         sluice_close(s, 5000) != SLUICE_OK)
 *         fprintf(stderr, "%s\n", sluice_error_detail(s));
 *     sluice_free(s);
 *
 * A handle is one connection. sluice_connect() opens it in version 1 of the
 * protocol: it may subscribe to one channel, before it publishes anything, and
 * publish to any number of channels. sluice_open() opens it in version 2: any
 * number of subscriptions, wildcards, receipts, acknowledged work, requests;
 * see sluice_units.h, which this header includes. Use a handle from one thread
 * at a time; different handles are independent.
 *
 * Every call that can wait takes a timeout in milliseconds, SLUICE_FOREVER or
 * SLUICE_NO_WAIT. When the time is up it returns SLUICE_TIMEOUT; with
 * SLUICE_NO_WAIT, SLUICE_AGAIN. A signal handler that runs during the wait ends
 * it with SLUICE_INTERRUPTED. In these three cases nothing was done, and the
 * call can be repeated. SIGPIPE is never raised.
 *
 * With an event loop of your own: wait for sluice_events() on sluice_fd(), then
 * call sluice_receive(s, &m, SLUICE_NO_WAIT) until it returns anything but
 * SLUICE_OK, and sluice_flush(s, SLUICE_NO_WAIT). Ask for sluice_events() again
 * after every round of calls.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include "sluice_base.h"
#include "sluice_units.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to "host:port", "[v6]:port" or "unix:PATH"; the port may be left out
 * and is SLUICE_DEFAULT_PORT then. All addresses of a host are tried; together
 * they get `timeout_ms`; getaddrinfo(3) has time limits of its own. A handle
 * whose connection ended may connect again; anything it still held is dropped.
 *
 * A broker closes connections that say nothing for some seconds: subscribe, or
 * publish, or, to publish later, subscribe to SLUICE_SINK. */
SLUICE_MUST_CHECK enum sluice_error
sluice_connect(struct sluice *s, const char *address, int timeout_ms);

/* Uses a connected stream socket in place of sluice_connect(), and owns it from
 * then on, also when it fails. The socket becomes non-blocking. */
SLUICE_MUST_CHECK enum sluice_error sluice_attach(struct sluice *s, int fd);

/* Subscribes: once, after connecting and before publishing. Does not wait. The
 * protocol has no confirmation: messages published by others a moment later may
 * still miss this subscriber. A name that begins with NUL is reserved. */
SLUICE_MUST_CHECK enum sluice_error
sluice_subscribe(struct sluice *s, struct sluice_bytes channel);

/* Hands over one message. SLUICE_OK means that it will be sent, in order, by
 * this or a later call: small ones are collected (up to 256 KiB) until the
 * buffer is full, or until sluice_flush(), sluice_receive() or sluice_close().
 * Flush when there is nothing more to publish for now. `message` may be what
 * sluice_receive() returned last, and is not needed afterwards.
 *
 * Waits while the buffer is full. A subscribed handle keeps reading while it
 * waits, up to SLUICE_READ_AHEAD bytes, so that two peers that send to each
 * other do not wait forever. Beyond that it returns SLUICE_BACKLOG: this
 * message was not taken; receive some, then repeat.
 *
 * SLUICE_BAD_CHANNEL, SLUICE_BAD_STATE and SLUICE_TOO_LONG change nothing: a
 * handle that could subscribe still can. */
SLUICE_MUST_CHECK enum sluice_error sluice_publish(struct sluice *s,
                                                   struct sluice_bytes channel,
                                                   struct sluice_bytes message,
                                                   int timeout_ms);

/* Waits until the kernel has taken everything published, reading ahead as
 * sluice_publish() does. Only sluice_close() shows that the broker has it. */
SLUICE_MUST_CHECK enum sluice_error sluice_flush(struct sluice *s,
                                                 int timeout_ms);

/* The next message. Its bytes belong to the handle and are valid until the next
 * sluice_receive(), sluice_connect(), sluice_attach(), sluice_close() or
 * sluice_free(). Sends the collected messages before it waits. After the end of
 * the connection it returns what had arrived, and then always the reason. */
SLUICE_MUST_CHECK enum sluice_error
sluice_receive(struct sluice *s, struct sluice_bytes *message, int timeout_ms);

/* Says goodbye after everything published so far, without waiting. The broker
 * then sends the messages still due and closes: sluice_receive() returns those
 * messages and then SLUICE_CLOSED, which means that the broker has read
 * everything up to the goodbye. No more publishing. */
SLUICE_MUST_CHECK enum sluice_error sluice_goodbye(struct sluice *s);

/* Says goodbye and waits for the broker's end of file; messages that still
 * arrive are dropped. SLUICE_OK means that the broker has read all that was
 * published. The connection is closed in any case. */
SLUICE_MUST_CHECK enum sluice_error sluice_close(struct sluice *s,
                                                 int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
