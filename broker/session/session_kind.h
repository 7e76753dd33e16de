/* SPDX-License-Identifier: MIT
 *
 * session_kind - what differs between versions of the protocol. A session
 * begins as version 1; its hello may make it another kind. The kinds of later
 * versions lie in folders of their own, which no other file includes.
 */
#ifndef SLUICE_SESSION_SESSION_KIND_H
#define SLUICE_SESSION_SESSION_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/view.h"
#include "broker/net/stream.h"
#include "broker/session/verdict.h"
#include "broker/session/waits.h"

struct channel;
struct clients;
struct publisher;
struct session;
struct subscriber;

/* What decoding has consumed, and what it knows of the rest, so that the rest
 * can be kept without being decoded again. */
struct decoded {
    size_t taken;
    uint32_t head_bytes; /* of the head that the rest begins with; 0: the head
                            is not complete */
    uint32_t body_bytes; /* of the whole body frame behind that; 0: unknown */
    bool is_unread;      /* the rest may hold whole messages: the session has to
                            REST before they are decoded */
};

struct session_kind {
    uint32_t version; /* of the protocol */
    /* A client that has closed its side still reads, until it is sent the end
     * of file. */
    bool is_duplex;
    /* HELLO: takes the first frame of `bytes`, which opens the session. If the
     * session is not OPEN afterwards, that frame is not complete. */
    struct verdict (*hello)(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out);
    /* OPEN or PAUSED: takes the complete messages of `bytes`, which begin where
     * a message begins. The rest is the beginning of a message, valid so far.
     */
    struct verdict (*decode)(struct session *s, const uint8_t *bytes, size_t n,
                             struct decoded *out);
    /* Takes the large message that its partial has gathered. */
    struct verdict (*complete)(struct session *s);
    /* Whether the session has to REST before it is read on. */
    bool (*must_rest)(const struct session *s);
    /* The subscriber has output, or has missed some; both are written, now or
     * when the turn ends, and then subscriber_flushed is called. */
    void (*offer)(struct session *s, struct subscriber *sub);
    /* Messages of a queue that the client consumes are lost. It may not close
     * the session. NULL when the client cannot be told. */
    void (*gap)(struct session *s, const struct channel *ch, uint64_t first,
                uint64_t last);
    /* The policy of a channel does not bear the client any longer. */
    struct verdict (*doom)(struct session *s);
    /* Writes what the client is owed; AGAIN when the socket takes no more. */
    enum stream_status (*flush)(struct session *s);
    /* The channel that its next message will probably go to; NULL when that is
     * not known. */
    struct channel *(*target)(const struct session *s);
    /* How many bytes of output have not been taken; 0: the client is owed
     * nothing. */
    uint64_t (*owed_bytes)(const struct session *s);
    /* How many bytes of input it keeps besides its partial; NULL: none. */
    uint64_t (*kept_bytes)(const struct session *s);
    /* Its user holds more memory than it may: presses its subscribers. */
    void (*press)(struct session *s);
    /* Its user has sent, or holds, what it may, and it will not be read for a
     * while. False without memory; NULL when the client cannot be told. */
    bool (*ration)(struct session *s);
    /* Nothing of a message has come: bounds the wait for the next one. */
    void (*await)(struct session *s);
    /* OPEN: the client sends nothing more. */
    struct verdict (*end)(struct session *s);
    /* PAUSED: the client has closed its side, behind what is not read yet. NULL
     * when it cannot be sent anything then. */
    void (*hung_up)(struct session *s);
    /* The session ends in order: the client is given nothing more, but is owed
     * what it has been given. False when there is no memory. */
    bool (*leave)(struct session *s);
    /* The client can be sent nothing more: leaves its channels, and frees what
     * the session keeps for its protocol. Harmless when repeated. */
    void (*abandon)(struct session *s);
    /* A publisher of this kind that is not that of a session has been admitted
     * at its gate. */
    void (*admitted)(struct publisher *p);
    /* The client's rights have changed, or it is nobody any more: takes from it
     * what it may not read, with all that was not written of that. Where it
     * published last is forgotten. */
    struct verdict (*judge)(struct session *s, bool is_known);
    /* The broker stops: the client is not read any more, or is told. */
    struct verdict (*stop)(struct session *s);
    /* The store has failed: nothing that durable queues are waited for comes
     * to pass. NULL when the client is answered otherwise. */
    struct verdict (*freeze)(struct session *s);
    /* The session has waited too long, for one of HELLO, FRAME and LEAVE. */
    struct verdict (*time_out)(struct session *s, enum wait_kind wait);
    /* Sets the fields of its view that are not common to all kinds. */
    void (*view)(const struct session *s, clock_ms now, struct view *v);
    /* What the sessions of this kind share; all NULL when they share nothing.
     * `open` fails without memory; `close` is harmless when it failed. */
    bool (*open)(struct clients *all);
    void (*close)(struct clients *all);
    /* For core_owner.h. */
    bool (*is_ended)(struct clients *all, const uint8_t *text, uint32_t length);
    bool (*wants)(struct clients *all, const uint8_t *name, uint32_t length);
    bool (*appeared)(struct clients *all, struct channel *ch);
    /* The broker stops: whether all is answered that clients wait for. */
    bool (*is_drained)(const struct clients *all);
    /* Output was offered for all that had some: writes what was put off. */
    void (*write)(struct clients *all);
    /* The turn ends: everything was delivered. False when nothing is left to
     * do before the next input. */
    bool (*end_turn)(struct clients *all);
    /* Time has passed; and how long nothing needs that, UINT32_MAX: forever. */
    void (*tick)(struct clients *all, clock_ms now);
    uint32_t (*wait_ms)(const struct clients *all, clock_ms now);
};

enum { SESSION_V1, SESSION_UNITS, SESSION_KINDS };

extern const struct session_kind *const session_kinds[SESSION_KINDS];

#endif
