/* SPDX-License-Identifier: MIT
 *
 * sessions - all clients of one reactor, and what they share: the buffer that
 * every connection is read into, the waits that have a bound, the end of a
 * turn, and stopping.
 */
#ifndef SLUICE_SESSION_SESSIONS_H
#define SLUICE_SESSION_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/footprint.h"
#include "broker/base/list.h"
#include "broker/base/log.h"
#include "broker/session/reason.h"

struct core;
struct core_owner;
struct reactor;
struct reactor_timer;
struct session;

enum {
    SESSIONS_READ_BYTES = 256 << 10, /* read from one connection at once */
    SESSIONS_FIRST_BYTES = 16 << 10, /* the same, of one that is new */
    SESSIONS_SHORT_BYTES = 4 << 10,  /* the same, when memory is short */
    SESSIONS_SIP_BYTES = 512,        /* the same, when both */
    SESSIONS_IOV_MAX = 1024,         /* IOV_MAX of Linux */
    SESSIONS_FINISH_MS = 10, /* how often a finishing connection is looked at */
    SESSIONS_IDLE_GRANT_MS = 50, /* a grant unused so long is taken back
                                      while others wait for one */
    SESSIONS_STALLED_MS = 1000,  /* who has not gone on so long with a frame
                                      gives way when memory is short */
};

/* The waits that have a bound; each has its row in sessions.c. */
enum session_wait {
    WAIT_HELLO,  /* for the first frame */
    WAIT_FRAME,  /* for the rest of a frame */
    WAIT_LEAVE,  /* for a client that leaves to take what it is owed */
    WAIT_FINISH, /* for the peer's kernel to confirm what it was sent */
    WAIT_MEMORY, /* for memory for a large message; for as long as it takes */
    WAIT_SIP,    /* for the next sip from a publisher that is paused */
    WAIT_ROOM,   /* for room in a channel, having ended; the same */
    WAIT_TOTAL
};

struct sessions_config {
    uint32_t max_frame_bytes;
    uint32_t wait_ms[WAIT_TOTAL];
};

enum { SESSIONS_FOREVER_MS = UINT32_MAX };

/* A publisher that is paused is read a little from time to time. It may have
 * closed while more was on its way than our receive buffer takes: its end is
 * then behind a window that is shut, and its kernel, which has nobody to ask
 * any more, gives up after some minutes (tcp_orphan_retries, tcp(7)) and
 * resets. Each sip makes it start anew; when as much was read as a send buffer
 * holds (tcp_wmem, tcp(7)), whoever is still there is alive. */
enum {
    SESSIONS_SIP_MS = 20 * 1000,
    SESSIONS_SIPS_MAX = 24,
    SESSIONS_SIP_UNREAD_BYTES = 64 << 10, /* less does not shut the window */
};

struct sessions {
    struct sessions_config config;
    struct reactor *reactor;
    struct core *core;
    struct counters *counters;
    struct budget *budget;
    struct log *log;
    struct list all;
    struct list waits[WAIT_TOTAL]; /* sessions, the longest wait first */
    struct reactor_timer *timer;
    clock_ms timer_at; /* when it fires, while it runs */
    uint64_t accepted; /* also the last connection's number */
    uint64_t closed[REASON_TOTAL];
    uint32_t count;
    uint64_t turn_bytes;  /* read since the last settling */
    uint64_t body_bytes;  /* of all large messages that are under way */
    uint64_t tail_bytes;  /* of beginnings, kept until there is more of them */
    uint64_t loose_bytes; /* of large messages that nothing was granted to, */
    uint64_t stale_bytes; /* and of those that it was taken back from */
    struct footprint footprint;
    bool wants_descriptor; /* nobody can connect until one has become free;
                              for the owner to say */
    void (*on_closed)(void *arg); /* a descriptor has become free */
    void *on_closed_arg;
    uint8_t *scratch;
    struct iovec iov[SESSIONS_IOV_MAX];
};

/* What the core calls to reach its clients. */
struct core_owner sessions_core_owner(struct sessions *all);

/* All pointers are borrowed. False when there is no memory. */
bool sessions_init(struct sessions *all, const struct sessions_config *config,
                   struct reactor *reactor, struct core *core,
                   struct counters *counters, struct budget *budget,
                   struct log *log);

/* Closes what is left and settles for the last time. */
void sessions_close_all(struct sessions *all);

void sessions_fini(struct sessions *all);

/* A new connection; takes `fd`. */
void sessions_add(struct sessions *all, int fd, const struct sockaddr *peer,
                  socklen_t length);

/* For reactor_run. */
bool sessions_end_turn(void *all);

/* Nothing more is accepted from clients than what the kernel holds now; what
 * is owed is still delivered. */
void sessions_drain(struct sessions *all);

/* True when nothing is left that could be delivered. */
bool sessions_are_drained(const struct sessions *all);

/* Begins to close every connection in order. */
void sessions_finish(struct sessions *all);

/* For session.c. */

/* The core learns what time it is: first of all in every callback. */
void sessions_tell_time(struct sessions *all);

/* Enough was read for one turn: delivers it now. */
void sessions_deliver(struct sessions *all);

/* Whether there is memory for the large message that the session has begun;
 * if so it is promised to it. */
bool sessions_grant_memory(struct sessions *all, struct session *s);

/* The session has kept what is incomplete in its inbox. */
void sessions_kept(struct sessions *all, struct session *s);

/* Whether the session may keep so much more of what is incomplete: a
 * beginning, and if it is that of a large message, what came of that. Closes
 * stalled sessions, others than this one, if that helps. */
bool sessions_may_keep(struct sessions *all, const struct session *s,
                       size_t tail_bytes, size_t loose_bytes);

/* Whether so little is kept that whoever comes may bring much at once. */
bool sessions_may_begin(const struct sessions *all);

/* What the inbox holds is complete, or given up. */
void sessions_clear_inbox(struct sessions *all, struct session *s);

/* The session begins to wait now, leaving any other wait. */
void sessions_wait(struct sessions *all, struct session *s,
                   enum session_wait wait);

#endif
