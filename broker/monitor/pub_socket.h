/* SPDX-License-Identifier: MIT
 *
 * pub_socket - a ZeroMQ socket that publishes what the broker's loop gives it.
 * The socket is used by a thread of its own (pub_thread.h), so that no peer can
 * delay the loop. A peer without room misses the message, and the broker counts
 * how often a peer fell behind.
 *
 * libzmq bounds neither the number of peers nor what each makes it store: of a
 * socket that is bound, watchers.h does.
 */
#ifndef SLUICE_MONITOR_PUB_SOCKET_H
#define SLUICE_MONITOR_PUB_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/monitor/pub_thread.h"
#include "broker/monitor/watchers.h"

struct counters;
struct log;
struct pub_socket;
struct reactor;
struct sentence;
struct zap;

enum pub_socket_kind {
    PUB_SOCKET_PUB,  /* connects; peers get everything */
    PUB_SOCKET_XPUB, /* is bound; peers get what they subscribe to */
    PUB_SOCKET_PUSH, /* is bound; each message goes to one peer */
    PUB_SOCKET_KINDS
};

enum {
    PUB_SOCKET_PARTS_MAX = PUB_THREAD_PARTS_MAX,
    PUB_SOCKET_WAITING_MAX = 1000,    /* messages, for each peer */
    PUB_SOCKET_LARGE_BYTES = 4096,    /* from this size parts are accounted */
    PUB_SOCKET_HELD_BYTES = 16 << 20, /* total of all large parts */
    PUB_SOCKET_ENDPOINT_BYTES = 256,
};

struct pub_socket_part {
    const void *bytes;
    size_t length;
};

/* What all sockets share. It outlives them, and what they send. */
struct pub_socket_shared {
    struct reactor *reactor;
    struct counters *counters;
    struct log *log;
    void *zmq;                 /* a context; NULL when there is none */
    struct zap *zap;           /* who may watch; set by the owner */
    atomic_size_t held_bytes;  /* of large parts, freed by other threads */
    atomic_size_t slow;        /* peers fell behind so often, not counted yet */
    struct pub_thread *ending; /* threads of sockets that were freed */
};

/* Starts libzmq. False, with the reason in errno, when it cannot start. */
bool pub_socket_shared_init(struct pub_socket_shared *shared,
                            struct reactor *reactor, struct counters *counters,
                            struct log *log);

/* Waits, not for long, until the last messages have left. False when a thread
 * of libzmq still uses `shared`, which must then stay until the process ends.
 * Harmless when all is zero. */
bool pub_socket_shared_fini(struct pub_socket_shared *shared);

/* `on_change`, of an XPUB, may be NULL: then nobody needs to know. NULL when
 * the system refuses, with the reason in errno. */
struct pub_socket *pub_socket_new(struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind,
                                  watchers_change_fn *on_change, void *arg);

/* NULL is allowed. Messages already sent may still leave. */
void pub_socket_free(struct pub_socket *p);

/* These come before pub_socket_start. */

/* At endpoints that are bound from now on, peers need keys of CURVE; this is
 * the broker's secret one. False, with the reason of the system. */
bool pub_socket_protect(struct pub_socket *p, const char *secret_key,
                        struct sentence *why);

/* Endpoints that are connected to from now on must have the secret half of
 * `server`; `secret_key` is the broker's, which they learn the public half of.
 * False, with the reason of the system. */
bool pub_socket_trust(struct pub_socket *p, const char *server,
                      const char *secret_key, struct sentence *why);

/* False, with the reason of the system. */
bool pub_socket_connect(struct pub_socket *p, const char *endpoint,
                        struct sentence *why);

/* The same; writes the bound endpoint, with its real port, to `bound`. */
bool pub_socket_bind(struct pub_socket *p, const char *endpoint,
                     char bound[PUB_SOCKET_ENDPOINT_BYTES],
                     struct sentence *why);

/* Accepts from a unix socket that listens at `path`; takes a copy of `fd`. */
bool pub_socket_adopt(struct pub_socket *p, int fd, const char *path,
                      struct sentence *why);

/* What was sent before leaves now. False, with the reason of the system. */
bool pub_socket_start(struct pub_socket *p, struct sentence *why);

/* Rights have changed: disconnects peers that may not watch any more. If
 * admitted keys are revoked, and it is not known which peer has which, that is
 * all of them: those that may will be back. For a socket that is bound. */
void pub_socket_review(struct pub_socket *p, bool is_any_revoked);

/* The peers of a socket that is bound. */
size_t pub_socket_peers(const struct pub_socket *p);

/* Whether a part of this length may be sent: large ones share a bound. A large
 * part is always allowed when there is no other. */
bool pub_socket_has_room(const struct pub_socket *p, size_t bytes);

/* Sends copies of the parts as one message. */
void pub_socket_send(struct pub_socket *p, const struct pub_socket_part *parts,
                     size_t count);

#endif
