/* SPDX-License-Identifier: MIT */
#include "broker/session/units/release.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

/* In one turn, which lets CORE_ADMIT_MAX lines through: all of them take less
 * than a millisecond. */
enum { RELEASE_UNITS_MAX = 64 };

enum release {
    RELEASE_ALL,    /* the line is empty */
    RELEASE_FULL,   /* there was no room for the next unit */
    RELEASE_ENOUGH, /* others have a turn */
    RELEASE_ENDED,  /* the session has ended, and the line with it */
};

/* Together the lines of a turn bring as much as one read may bring, and each at
 * least one unit. A unit keeps its place until it has been executed. */
static enum release release_some(struct parked *line)
{
    struct session *s = line->session;
    uint64_t bytes = 0, most = s->all->core->turn.config.turn_bytes;
    uint32_t units = 0;
    struct parked_unit *p;
    while ((p = parked_first(line)) != NULL) {
        struct unit unit;
        if (bytes * CORE_ADMIT_MAX >= most || units++ == RELEASE_UNITS_MAX)
            return RELEASE_ENOUGH;
        parked_read(p, &unit);
        bytes += frame_size(unit.body_length);
        struct verdict v = unit_run(s, &unit);
        if (v.what == VERDICT_WAIT_GATE)
            return RELEASE_FULL;
        if (v.what != VERDICT_GO_ON) {
            session_act(s, v);
            return RELEASE_ENDED;
        }
        parked_remove(p);
    }
    return RELEASE_ALL;
}

/* GO comes only when the client may publish again, which what has just passed
 * may prevent. False when there is no memory. */
static bool release_finish(struct parked *line)
{
    struct channel *ch = parked_channel(line);
    if (line->is_told && ch && !channel_admits(ch, 1))
        return parked_wait(line, false);
    return parked_go(line);
}

void release_admitted(struct publisher *p)
{
    struct parked *line = LIST_OF(p, struct parked, pub);
    struct session *s = line->session;
    line->is_passing = true;
    enum release how = release_some(line);
    if (how == RELEASE_ENDED)
        return;
    bool is_ok = how == RELEASE_ALL ? release_finish(line)
                                    : parked_wait(line, how == RELEASE_FULL);
    if (is_ok)
        units_review_rest(s);
    else
        session_close(s, REASON_NO_MEMORY);
}
