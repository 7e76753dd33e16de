/* SPDX-License-Identifier: MIT
 *
 * say - sends a unit that the program asked for, as soon as it can be sent: a
 * connection, room behind what is sent already, room for one more unanswered
 * call, a channel that is not held back.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_SAY_H
#define SLUICE_CLIENT_LIB_UNITS_SAY_H

#include "client/lib/handle.h"
#include "client/lib/units/calls.h"
#include "client/lib/units/readers.h"
#include "proto/unit_option.h"

struct sluice_saying {
    const char *verb;            /* NULL: `reader` is subscribed */
    struct sluice_bytes channel; /* its argument; or, when it is empty, */
    struct span spelled;         /* a pattern or a reply address */
    bool has_number;
    uint64_t number;                     /* its second argument */
    const struct sluice_header *headers; /* NULL: none */
    bool has_duration;
    enum unit_option duration;
    uint64_t duration_ms; /* of it */
    struct sluice_bytes body;
    struct sluice_reader *reader; /* to be subscribed, else NULL */
    enum sluice_call_kind kind;
    uint64_t token;      /* 0: no answer is wanted, unless it subscribes */
    uint32_t connection; /* on which it makes sense; 0: any */
    bool is_published;   /* its answer may be asked to wait for the disk */
    bool is_routed;      /* to a channel, which may be held back */
    bool is_urgent;      /* must not wait for more to be said */
};

/* Nothing was sent unless it returns SLUICE_OK. */
SLUICE_MUST_CHECK enum sluice_error
sluice_say(struct sluice *s, const struct sluice_saying *what, int timeout_ms);

#endif
