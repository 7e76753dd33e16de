/* SPDX-License-Identifier: MIT
 *
 * verdict - the outcome of work on a session. The files below session.c return
 * one; only session.c acts on it.
 */
#ifndef SLUICE_SESSION_VERDICT_H
#define SLUICE_SESSION_VERDICT_H

#include <stddef.h>

#include "broker/session/reason.h"

enum verdict_what {
    VERDICT_GO_ON,
    VERDICT_WAIT_GATE,   /* at the gates of the channels it published to */
    VERDICT_WAIT_MEMORY, /* for the large message that it has begun */
    VERDICT_WAIT_RATE,   /* until its user may send more */
    VERDICT_LEAVE,       /* nothing was read: until more has arrived */
    VERDICT_REST,        /* until the client has taken what it is owed */
    VERDICT_GOODBYE,     /* orderly, for the reason; no more is decoded */
    VERDICT_CLOSE,       /* at once, for the reason */
};

struct verdict {
    enum verdict_what what;
    enum reason reason;   /* of GOODBYE and CLOSE */
    const char *protocol; /* that the greeting belongs to; NULL: none known */
};

static inline struct verdict verdict(enum verdict_what what)
{
    return (struct verdict){.what = what};
}

static inline struct verdict verdict_goodbye(enum reason reason)
{
    return (struct verdict){.what = VERDICT_GOODBYE, .reason = reason};
}

static inline struct verdict verdict_close(enum reason reason)
{
    return (struct verdict){.what = VERDICT_CLOSE, .reason = reason};
}

#endif
