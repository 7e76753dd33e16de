/* SPDX-License-Identifier: MIT
 *
 * sluice_base - what both versions of the protocol share in libsluice: errors,
 * bytes, and a handle. Programs include sluice.h.
 */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H

#include <stdbool.h>
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
    SLUICE_UNSUPPORTED, /* the broker does not speak version 2 */
    SLUICE_REFUSED,     /* by the broker; see sluice_error_code() */
    SLUICE_HELD,        /* the broker holds this channel back */
    SLUICE_GONE,        /* of a connection that has ended */
    SLUICE_BAD_HEADER,  /* its name, or too many, or too long */
    SLUICE_BAD_OPTION,  /* a number out of range, a text too long */
    SLUICE_FOREIGN,     /* the server speaks another protocol, not sluice's */
    SLUICE_UNTRUSTED,   /* TLS: the broker could not prove who it is */
    SLUICE_TLS,         /* TLS has failed, or the broker refused it */
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

/* The longest message of the next connection: 1 to SLUICE_MESSAGE_MAX bytes.
 * Memory grows as bytes arrive, not by what a length promises. */
SLUICE_MUST_CHECK enum sluice_error sluice_set_max_message(struct sluice *s,
                                                           size_t bytes);

/* Whether messages are received before they are asked for: yes, by default. A
 * consumer of a queue turns it off before connecting, so that the broker keeps
 * most of those that wait: for other consumers, and in case this one dies. In
 * version 2 the credit of a subscription with acknowledgements does more; calls
 * that wait for an answer receive what comes before it in any case. */
void sluice_set_read_ahead(struct sluice *s, bool is_on);

/* How to speak TLS: set `size` to sizeof(struct sluice_tls), and leave NULL
 * what is not needed. Files are in PEM. */
struct sluice_tls {
    size_t size;
    const char *ca;          /* of those who sign brokers; NULL: the system's */
    const char *certificate; /* what this client shows, with its chain ... */
    const char *key;         /* ... and its key, without a passphrase */
    const char *name;        /* what the broker must prove to be; NULL: the host
                                that the address names */
    const char *pin;         /* "sha256:" and 64 hexadecimal digits: the digest
                                of the broker's public key, as `sluice cert`
                                prints it. It needs neither authority nor name
                                then, unless they are given as well */
};

/* From the next connection on TLS is spoken, also to an address that does not
 * begin with "tls:". NULL: only to those that do, as before. Reads the files,
 * and again for a connection when they have changed; copies the texts. The
 * broker has to prove who it is on every connection, and nothing turns that
 * off. A broker that cannot is SLUICE_UNTRUSTED, and is not tried again, not
 * even with sluice_set_reconnect(). Not while there is a connection.
 *
 * SLUICE_BAD_OPTION: a file or the pin is not good. */
SLUICE_MUST_CHECK enum sluice_error
sluice_set_tls(struct sluice *s, const struct sluice_tls *how);

/* The socket, or -1 when there is none. Never read or write it yourself. */
int sluice_fd(const struct sluice *s);

/* What to wait for on sluice_fd(): POLLIN, or POLLIN | POLLOUT, of poll(2);
 * 0 when there is no connection. */
short sluice_events(const struct sluice *s);

/* The library's version, "0.1.0", perhaps newer than this header. Constant. */
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
