/* SPDX-License-Identifier: MIT */
#include "client/outage.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/stop_signal.h"
#include "client/watch.h"

#include <sys/random.h>
#include <unistd.h>

/* A connection that lasts this long is sound. */
enum { OUTAGE_SOUND_MS = 2000 };

static uint64_t outage_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    return (uint64_t)sluice_deadline_clock() << 16 ^ (uint64_t)getpid();
}

void outage_init(struct outage *o, const char *server, bool is_quiet)
{
    *o = (struct outage){.state = OUTAGE_FIRST,
                         .server = server,
                         .is_quiet = is_quiet,
                         .sound_ms = -1};
    backoff_init(&o->backoff, outage_seed());
}

/* A name that was never resolved, or a socket that was never open to us, is
 * probably mistyped; later it is an outage like another. */
bool outage_is_final(const struct outage *o, enum sluice_error error)
{
    if (error == SLUICE_BAD_ADDRESS || error == SLUICE_FOREIGN ||
        error == SLUICE_UNTRUSTED || error == SLUICE_TLS)
        return true;
    return o->state == OUTAGE_FIRST &&
           (error == SLUICE_UNRESOLVED || error == SLUICE_DENIED ||
            error == SLUICE_BAD_OPTION);
}

void outage_on_connected(struct outage *o)
{
    if (o->state == OUTAGE_FIRST) {
        o->state = OUTAGE_NONE;
        return;
    }
    o->state = OUTAGE_TRYING;
    o->sound_ms = sluice_deadline_clock() + OUTAGE_SOUND_MS;
}

void outage_on_lost(struct outage *o, const char *why)
{
    bool is_new = o->state == OUTAGE_NONE || o->state == OUTAGE_FIRST;
    if (is_new && !o->is_quiet)
        complain(EXIT_DONE, "%s; trying again until it succeeds", why);
    o->state = OUTAGE_LOST;
    o->sound_ms = -1;
}

void outage_on_success(struct outage *o)
{
    if (o->state != OUTAGE_TRYING)
        return;
    if (!o->is_quiet)
        complain(EXIT_DONE, "connected again to %s", o->server);
    backoff_reset(&o->backoff);
    o->state = OUTAGE_NONE;
    o->sound_ms = -1;
}

void outage_on_time(struct outage *o)
{
    if (o->state == OUTAGE_TRYING && sluice_deadline_left(o->sound_ms) == 0)
        outage_on_success(o);
}

bool outage_pause(struct outage *o)
{
    int64_t due_ms = sluice_deadline_clock() + backoff_next_ms(&o->backoff);
    struct watch watch = {.s = NULL, .fd = -1};
    while (!stop_signal_came()) {
        watch.timeout_ms = sluice_deadline_left(due_ms);
        if (watch.timeout_ms == 0)
            return true;
        watch_wait(&watch);
    }
    return false;
}
