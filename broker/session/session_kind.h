/* SPDX-License-Identifier: MIT
 *
 * session_kind - what a version of the protocol does its own way. A session
 * begins as version 1; its hello may make it another kind.
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

struct session;

/* What decoding has taken, and what it knows of the rest: so nobody has to
 * look at that again to keep it. */
struct decoded {
    size_t taken;
    uint32_t head_bytes; /* of the whole head that the rest begins with; 0: it
                            is not whole */
    uint32_t body_bytes; /* of the whole body frame behind that; 0: unknown */
    bool is_mid_frame;   /* the rest is due soon: a frame has been started */
};

struct session_kind {
    /* HELLO: takes the first frame of `bytes`, which opens the session. It is
     * not complete when the session is not OPEN after that. */
    struct verdict (*hello)(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out);
    /* OPEN or PAUSED: takes what is complete of `bytes`, which begin where a
     * message begins. What is left is the beginning of one that is allowed so
     * far. */
    struct verdict (*decode)(struct session *s, const uint8_t *bytes, size_t n,
                             struct decoded *out);
    /* Takes the large message that its partial has gathered. */
    struct verdict (*complete)(struct session *s);
    /* Writes what it is owed, as far as the socket takes it: then AGAIN. */
    enum stream_status (*flush)(struct session *s);
    /* It said goodbye: it is given nothing more. */
    void (*leave)(struct session *s);
    /* The broker stops: it is not read any more. */
    struct verdict (*stop)(struct session *s);
    /* It has waited too long, for one of HELLO, FRAME and LEAVE. */
    struct verdict (*time_out)(struct session *s, enum wait_kind wait);
    /* What it looks like, but for what all kinds have. */
    void (*view)(const struct session *s, clock_ms now, struct view *v);
};

enum { SESSION_V1, SESSION_KINDS };

extern const struct session_kind *const session_kinds[SESSION_KINDS];

#endif
