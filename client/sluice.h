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
 * A handle is one connection: it may subscribe to one channel, before it
 * publishes anything, and publish to any number of channels. Use a handle from
 * one thread at a time; different handles are independent.
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

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a broker listens by default. */
#define SLUICE_DEFAULT_PORT   "25000"
#define SLUICE_DEFAULT_SERVER "127.0.0.1:" SLUICE_DEFAULT_PORT

/* A channel that discards everything: what publishers subscribe to. */
#define SLUICE_SINK "/null"

enum {
    SLUICE_NO_WAIT = 0,
    SLUICE_FOREVER = -1,

    SLUICE_CHANNEL_MAX = 255,              /* bytes of a channel's name */
    SLUICE_MESSAGE_DEFAULT_MAX = 16 << 20, /* bytes of a message ... */
    SLUICE_MESSAGE_MAX = 1 << 30,          /* ... and what can be allowed */

    /* Received bytes kept while a call waits to send; see sluice_publish(). */
    SLUICE_READ_AHEAD = 8 << 20,
};

enum sluice_error {
    SLUICE_OK = 0,
    SLUICE_AGAIN,       /* would have to wait */
    SLUICE_TIMEOUT,     /* waited long enough */
    SLUICE_INTERRUPTED, /* a signal handler ran */
    SLUICE_BACKLOG,     /* receive first; see sluice_publish() */
    SLUICE_CLOSED,      /* the broker closed the connection in order */
    SLUICE_BROKEN,      /* reset, or cut inside a message */
    SLUICE_UNRESOLVED,  /* no such host */
    SLUICE_UNREACHABLE, /* refused, no route, no such socket, ... */
    SLUICE_DENIED,      /* no permission to use the unix socket */
    SLUICE_TOO_LONG,    /* a message above the limit, in or out */
    SLUICE_BAD_ADDRESS, /* neither host:port, [v6]:port nor unix:PATH */
    SLUICE_BAD_CHANNEL, /* not 1 to 255 bytes, or reserved */
    SLUICE_BAD_STATE,   /* not connected, subscribed twice, ... */
    SLUICE_NO_MEMORY,
};

/* Borrowed bytes. `data` may be NULL when length is 0. */
struct sluice_bytes {
    const void *data;
    size_t length;
};

/* A string as bytes, without its NUL; borrowed. */
static inline struct sluice_bytes sluice_text(const char *text)
{
    struct sluice_bytes bytes = {text, strlen(text)};
    return bytes;
}

#if defined(__GNUC__)
#define SLUICE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SLUICE_MUST_CHECK
#endif

struct sluice;

/* A handle that is not connected, or NULL without memory. The caller frees. */
struct sluice *sluice_new(void);

/* Closes the connection at once, if there is one: bytes that were not flushed
 * are lost, and the broker sees an end of file or a reset. NULL is allowed. */
void sluice_free(struct sluice *s);

/* The longest message that is sent or received, 1 to SLUICE_MESSAGE_MAX bytes;
 * takes effect with the next connection. Memory grows as bytes arrive, not by
 * what a length promises. */
SLUICE_MUST_CHECK enum sluice_error sluice_set_max_message(struct sluice *s,
                                                           size_t bytes);

/* Connects to "host:port", "[v6]:port" or "unix:PATH"; the port may be left out
 * and is SLUICE_DEFAULT_PORT then. All addresses of a host are tried; together
 * they get `timeout_ms`. The name is looked up by getaddrinfo(3), whose own
 * time limits apply on top. A handle whose connection ended may connect again;
 * anything it still held is dropped.
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
 * Flush when there is nothing more to publish for now.
 * Nothing of `message` is needed afterwards. It may be what sluice_receive()
 * returned last.
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

/* Waits until the kernel has taken everything published so far, reading ahead
 * as sluice_publish() does. Only sluice_close() confirms that the broker has
 * it. */
SLUICE_MUST_CHECK enum sluice_error sluice_flush(struct sluice *s,
                                                 int timeout_ms);

/* The next message. Its bytes belong to the handle and are valid until the next
 * sluice_receive(), sluice_connect(), sluice_attach(), sluice_close() or
 * sluice_free(). Sends the collected messages before it waits. When the
 * connection has ended, the messages that had arrived are returned first, then
 * the reason, on every call. */
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

/* The socket, or -1 when there is none. Never read or write it yourself. */
int sluice_fd(const struct sluice *s);

/* What to wait for on sluice_fd(): POLLIN, or POLLIN | POLLOUT, of poll(2);
 * 0 when there is no connection. */
short sluice_events(const struct sluice *s);

/* The version of the library in use, "0.1.0", which may be newer than this
 * header. A constant string. */
const char *sluice_version(void);

/* A few words for an error, a constant string. */
const char *sluice_error_text(enum sluice_error error);

/* The last failure of this handle as a sentence without a full stop, with
 * addresses and the system's reason; valid until the next call. */
const char *sluice_error_detail(const struct sluice *s);

#ifdef __cplusplus
}
#endif

#endif
