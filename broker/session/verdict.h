/* SPDX-License-Identifier: MIT
 *
 * verdict - what has become of a session. The files below session.c work on
 * one and return this; only session.c acts on it.
 */
#ifndef SLUICE_SESSION_VERDICT_H
#define SLUICE_SESSION_VERDICT_H

#include <stddef.h>

#include "broker/session/reason.h"

enum verdict_what {
    VERDICT_GO_ON,
    VERDICT_WAIT_GATE,   /* at the gates of what it published to */
    VERDICT_WAIT_MEMORY, /* for the large message that it has begun */
    VERDICT_GOODBYE,     /* it said so: what followed was not looked at */
    VERDICT_CLOSE,       /* for the reason */
};

struct verdict {
    enum verdict_what what;
    enum reason reason;   /* CLOSE alone */
    const char *protocol; /* whose greeting it sent; NULL: none that is known */
};

static inline struct verdict verdict(enum verdict_what what)
{
    return (struct verdict){.what = what};
}

static inline struct verdict verdict_close(enum reason reason)
{
    return (struct verdict){.what = VERDICT_CLOSE, .reason = reason};
}

#endif
