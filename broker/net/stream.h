/* SPDX-License-Identifier: MIT
 *
 * stream - the reader and writer of one connected socket. It moves bytes when
 * its owner asks, notifies the owner when asking makes sense, and distinguishes
 * an orderly end from a reset. It buffers nothing; transports between it and
 * the socket may (transport.h).
 *
 * A stream is in one mode:
 *
 *     READING   on_readable is called while there is something to read
 *     ARRIVALS  on_readable is called when something has arrived, which may
 *               then be left unread; on_end is called when the peer closes
 *     RESTING   is not read; on_end is called when the peer closes or resets
 *     CLOSED    nothing is called any more
 *
 * and, independently, may want to write: on_writable is called when it can.
 *
 * It begins as a guest: one at a time is called, so that a crowd of them does
 * not delay streams that were promoted.
 */
#ifndef SLUICE_NET_STREAM_H
#define SLUICE_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct reactor;
struct stream;
struct transport;

enum stream_status {
    STREAM_OK,
    STREAM_AGAIN, /* not now: nothing to read, or no room */
    STREAM_END,   /* the peer closed in order */
    STREAM_RESET, /* the connection is broken */
};

enum stream_mode {
    STREAM_READING,
    STREAM_ARRIVALS,
    STREAM_RESTING,
    STREAM_CLOSED
};

/* All are called from the loop and may do anything, including closing the
 * stream. */
struct stream_events {
    void (*on_readable)(void *owner);
    void (*on_writable)(void *owner);
    /* While RESTING or, after on_readable, in ARRIVALS. END: what the peer sent
     * before can still be read; this is reported once per rest. RESET: it
     * cannot be relied on; or, in any mode, the system does not watch the
     * socket any more. */
    void (*on_end)(void *owner, enum stream_status how);
};

/* Takes the non-blocking socket `fd`. NULL, and `fd` is closed, when there is
 * no memory. Begins READING. `events` is borrowed. */
struct stream *stream_open(struct reactor *r, int fd,
                           const struct stream_events *events, void *owner);

/* Closes the socket at once; the memory is freed at the end of the turn. */
void stream_close(struct stream *s);

/* Gives the stream to another owner, READING. The new owner first reads the `n`
 * bytes that the old owner has read and not used. False, with nothing changed,
 * when there is no memory. */
bool stream_hand_over(struct stream *s, const struct stream_events *events,
                      void *owner, const uint8_t *bytes, size_t n);

/* Reads and writes through `t` from now on, which is closed with the stream.
 * The stream must be READING. */
void stream_add_transport(struct stream *s, struct transport *t);

/* For transports: one that was away is not any more, or has something to be
 * read. The owner reads in the next turn. */
void stream_wake(struct stream *s);

/* The transport that its owner added last, and that is not spent; or NULL. */
struct transport *stream_transport(const struct stream *s);

/* Says that the socket comes from a listener whose connections are reset when
 * the broker is killed (listener_reset_on_kill). When it is closed it still
 * ends in order. */
void stream_expect_reset_on_kill(struct stream *s);

/* Makes the peer see a reset, not an orderly end, when the stream is closed, or
 * the broker is killed. Unix sockets do that only if unread input remains. */
void stream_abort_on_close(struct stream *s);

/* The peer sees an orderly end in both cases. */
void stream_end_on_close(struct stream *s);

/* False when the system refuses; the stream is then no longer usable. */
bool stream_set(struct stream *s, enum stream_mode mode, bool wants_write);

/* Not a guest any more: the peer is at work. So is one, without this, that is
 * sent more than its socket takes. */
void stream_promote(struct stream *s);

/* As set last. */
enum stream_mode stream_get_mode(const struct stream *s);
bool stream_wants_write(const struct stream *s);

/* Reads once. *got is set when OK. A RESET or END met here is final. */
enum stream_status stream_read(struct stream *s, const struct iovec *iov,
                               int iovs, size_t *got);

/* Whether the stream can be read without being emptied: it has no transport. */
bool stream_can_peek(const struct stream *s);

/* As stream_read, but what is read stays there. The stream must be able to. */
enum stream_status stream_peek(struct stream *s, uint8_t *bytes, size_t n,
                               size_t *got);

/* Writes once. *put is set when OK: so many bytes the kernel has, in whole
 * records if a transport makes records. What is pledged has to be offered
 * again, in front of all else; a transport remembers it, and only its length
 * matters. END: the peer had closed in order before it refused what was
 * written, so what it sent is still whole. */
enum stream_status stream_write(struct stream *s, const struct iovec *iov,
                                int iovs, size_t *put);

/* Bytes that were offered, that a transport has committed itself to write as
 * they were, and that were not reported as written. */
size_t stream_pledged(const struct stream *s);

/* How many of these the kernel has got since; they are then reported as
 * written. */
size_t stream_settle(struct stream *s);

/* Bytes that transports keep until the socket takes them: fewer after a write
 * when it has taken some, even if no record is whole. */
size_t stream_kept(const struct stream *s);

/* What is pledged and not written never will be. If that breaks a record, the
 * stream can only be read from now on. */
void stream_cut(struct stream *s);

/* Bounds what the kernel takes of output that it cannot send yet
 * (TCP_NOTSENT_LOWAT, tcp(7)); has no effect on unix sockets. */
void stream_limit_unsent(struct stream *s, uint64_t bytes);

/* No more will be written; the peer sees the end of file, when it has what
 * transports keep. */
void stream_shutdown(struct stream *s);

/* Announces an orderly end where a transport demands that (close_notify of
 * TLS): before stream_close(), which does not. */
void stream_say_end(struct stream *s);

/* Bytes that were received and can still be read; 0 when that is unknown. */
size_t stream_held(const struct stream *s);

/* Bytes that were written and that the peer's kernel has not confirmed; 0 when
 * that is unknown. */
size_t stream_unconfirmed(const struct stream *s);

/* How long ago the peer's kernel confirmed anything, in ms; 0 when that is
 * unknown. When it has something to confirm, that shows whether it is there. */
uint32_t stream_quiet_ms(const struct stream *s);

#endif
