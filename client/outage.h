/* SPDX-License-Identifier: MIT
 *
 * outage - what a command that reconnects reports, and how long it pauses
 * between two attempts. An outage is reported once, however many attempts it
 * takes, also when they are accepted and dropped, as some proxies do.
 *
 *     while (the connection fails and !outage_is_final(&o, error)) {
 *         outage_on_lost(&o, the reason);
 *         if (!outage_pause(&o))
 *             stop;
 *     }
 *     outage_on_connected(&o);
 */
#ifndef SLUICE_CLIENT_OUTAGE_H
#define SLUICE_CLIENT_OUTAGE_H

#include "client/backoff.h"
#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>

enum outage_state {
    OUTAGE_FIRST,  /* never connected */
    OUTAGE_LOST,   /* not connected, and reported */
    OUTAGE_TRYING, /* connected again, but not known to be sound */
    OUTAGE_NONE,   /* connected */
};

struct outage {
    enum outage_state state;
    const char *server; /* named when it is back; borrowed */
    bool is_quiet;      /* reports nothing */
    struct backoff backoff;
    int64_t sound_ms; /* TRYING: when it is sound, by the clock of deadline.h;
                         else -1 */
};

/* Never connected yet. */
void outage_init(struct outage *o, const char *server, bool is_quiet);

/* Whether another attempt is useless after `error` of sluice_connect() or of
 * the connection. */
bool outage_is_final(const struct outage *o, enum sluice_error error);

/* An attempt has succeeded, or the connection was lost: `why` is a sentence. */
void outage_on_connected(struct outage *o);
void outage_on_lost(struct outage *o, const char *why);

/* The connection did what it is for, or has lasted until sound_ms: then the
 * outage is over, and reported so. Cheap when there is none. */
void outage_on_success(struct outage *o);
void outage_on_time(struct outage *o);

/* Waits before the next attempt. False when a stop signal came. */
bool outage_pause(struct outage *o);

#endif
