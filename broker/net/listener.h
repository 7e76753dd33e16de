/* SPDX-License-Identifier: MIT
 *
 * listener - accepts connections on one address. All listeners of a reactor
 * together accept at most REACTOR_STEPS_MAX connections in a turn, in rotation.
 * When the system has no descriptors left a listener pauses by itself instead
 * of spinning, and tries again.
 */
#ifndef SLUICE_NET_LISTENER_H
#define SLUICE_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct listener;
struct reactor;
struct sentence;

enum {
    LISTENER_RETRY_MS = 100, /* after accepting failed */
};

struct listener_events {
    /* A connection: `fd` is non-blocking; the callee owns it. May pause. */
    void (*on_accept)(void *owner, int fd, const struct sockaddr *peer,
                      socklen_t length);
    /* Accepting failed for lack of a resource (`err` is the errno), and pauses
     * for LISTENER_RETRY_MS. */
    void (*on_error)(void *owner, int err);
};

/* Listens on every address that `text` means, at `port` if it names none. Puts
 * the new listeners in front of `list`, a chain by listener_next. On failure
 * returns false with the reason, and opens nothing. */
bool listener_open(struct reactor *r, const char *text, const char *port,
                   const struct listener_events *events, void *owner,
                   struct listener **list, struct sentence *why);

/* Accepts from a listening socket that was made elsewhere; its file is left
 * alone. NULL, and `fd` is closed, when it is not a listening socket or
 * there is no memory. */
struct listener *listener_adopt(struct reactor *r, int fd,
                                const struct listener_events *events,
                                void *owner);

/* Stops listening and removes the file of a unix socket, and its lock. Returns
 * the next of the chain. */
struct listener *listener_close(struct listener *l);

/* The next of the chain; NULL at its end. */
struct listener *listener_next(const struct listener *l);

/* The listener's own address: with the real port, or the path. Valid as long as
 * the listener. */
const char *listener_address(const struct listener *l);

/* Whether connections are reset when the broker is killed. Those that are
 * accepted inherit it; the stream has to be told
 * (stream_expect_reset_on_kill). Unix sockets cannot. */
void listener_reset_on_kill(struct listener *l, bool is_reset);

/* Pausing twice is pausing once. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

#endif
