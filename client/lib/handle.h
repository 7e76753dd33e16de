/* SPDX-License-Identifier: MIT
 *
 * handle - one connection of a user's program: a socket, an inbox, an outbox
 * and a state. The files beside this one are its verbs: transfer (the socket),
 * publish, receive, leave.
 */
#ifndef SLUICE_CLIENT_LIB_HANDLE_H
#define SLUICE_CLIENT_LIB_HANDLE_H

#include "client/lib/dial.h"
#include "client/lib/failure.h"
#include "client/lib/inbox.h"
#include "client/lib/outbox.h"

enum sluice_state {
    SLUICE_STATE_IDLE,       /* no socket */
    SLUICE_STATE_UNITS,      /* version 2: units.h has the rest */
    SLUICE_STATE_CONNECTED,  /* nothing said yet */
    SLUICE_STATE_PUBLISHING, /* first frame: the sink */
    SLUICE_STATE_SUBSCRIBED, /* first frame: a channel */
    SLUICE_STATE_LEAVING,    /* goodbye said */
    SLUICE_STATE_BROKEN,     /* cannot send; what arrived can be received */
    SLUICE_STATE_ENDED,      /* nothing more will arrive */
};

struct sluice_units;

/* What differs in a handle that was opened in version 2, so that no file of
 * version 1 calls one of version 2. */
struct sluice_protocol {
    enum sluice_error (*flush)(struct sluice *s, int timeout_ms);
    enum sluice_error (*goodbye)(struct sluice *s);
    enum sluice_error (*close)(struct sluice *s, int timeout_ms);
    int (*fd)(const struct sluice *s);
    short (*events)(const struct sluice *s);
    void (*reset)(struct sluice *s); /* the connection; settings stay */
};

struct sluice {
    unsigned magic;
    enum sluice_state state;
    struct sluice_wire wire;    /* without a socket when IDLE */
    uint32_t limit;             /* bytes of the longest message */
    enum sluice_dial_room room; /* LITTLE: nothing is read ahead, either */
    struct sluice_inbox in;
    struct sluice_outbox out;
    enum sluice_error end;                  /* why it is BROKEN or ENDED */
    struct sluice_failure failure;          /* the last one */
    const struct sluice_protocol *protocol; /* NULL in version 1 */
    struct sluice_units *units; /* version 2; NULL before its first call */
    void (*free_units)(struct sluice_units *units); /* NULL with it */
    struct sluice_trust *trust; /* of all TLS; NULL before it is needed */
    bool is_secured;            /* TLS is spoken to every address */
};

/* Aborts when it is not a handle, or has been freed. */
void sluice_handle_assert(const struct sluice *s);

/* Connected, and may send. */
bool sluice_handle_is_up(const struct sluice *s);

/* BROKEN or ENDED: s->end says why. */
bool sluice_handle_is_over(const struct sluice *s);

/* The only way to BROKEN and ENDED. The first reason stays. */
void sluice_handle_end(struct sluice *s, enum sluice_state state,
                       enum sluice_error error, const char *sentence);

/* The same, with the sentence for an errno. */
void sluice_handle_end_errno(struct sluice *s, enum sluice_state state,
                             int error);

/* Returned by a call that is not allowed in this state. */
enum sluice_error sluice_handle_bad_state(struct sluice *s);

/* Out of CONNECTED without a subscription: the first frame names the sink. */
void sluice_handle_become_publisher(struct sluice *s);

/* Closes the socket, drops the buffers: IDLE. */
void sluice_handle_reset(struct sluice *s);

/* Takes over a prepared socket, or none (-1) yet: CONNECTED. Without memory the
 * socket is closed. */
enum sluice_error sluice_handle_start(struct sluice *s, int fd);

#endif
