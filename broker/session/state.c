/* SPDX-License-Identifier: MIT */
#include "broker/session/state.h"

#include "broker/session/clients.h"

const char *const state_names[SESSION_STATES] = {
    [SESSION_HELLO] = "hello",         [SESSION_OPEN] = "open",
    [SESSION_PAUSED] = "paused",       [SESSION_ENDED] = "ended",
    [SESSION_STOPPED] = "stopped",     [SESSION_LEAVING] = "leaving",
    [SESSION_FINISHING] = "finishing", [SESSION_CLOSED] = "closed",
};

static const struct state_row {
    bool is_read;
    bool is_paused;
    /* The broker need not wait for the session to stop. An ENDED session goes
     * on when a channel has room again, which depends on other sessions. */
    bool is_quiet;
    /* The same, once the client knows that the broker stops. */
    bool is_quiet_draining;
} rows[SESSION_STATES] = {
    [SESSION_HELLO] = {.is_read = true},
    [SESSION_OPEN] = {.is_read = true, .is_quiet_draining = true},
    [SESSION_PAUSED] = {.is_paused = true, .is_quiet_draining = true},
    [SESSION_ENDED] = {.is_paused = true, .is_quiet = true},
    [SESSION_STOPPED] = {.is_quiet = true},
    [SESSION_LEAVING] = {.is_quiet = false},
    [SESSION_FINISHING] = {.is_quiet = true},
    [SESSION_CLOSED] = {.is_quiet = true},
};

bool state_is_read(const struct session *s)
{
    return rows[s->state].is_read;
}

void state_review_outbox(struct session *s)
{
    const struct state_row *row = &rows[s->state];
    bool is_quiet = row->is_quiet || (s->is_draining && row->is_quiet_draining);
    bool is_drained = is_quiet && session_kind(s)->owed_bytes(s) == 0;
    if (is_drained == s->is_drained)
        return;
    s->is_drained = is_drained;
    if (is_drained)
        s->all->undrained--;
    else
        s->all->undrained++;
}

void state_set(struct session *s, enum session_state state)
{
    struct counters *counters = s->all->counters;
    bool was_paused = rows[s->state].is_paused;
    s->state = (uint8_t)(state & 15u) & 15u;
    if (rows[state].is_paused && !was_paused) {
        counter_add(counters, COUNT_pauses, 1);
        counter_add(counters, COUNT_paused_publishers, 1);
    }
    if (was_paused && !rows[state].is_paused)
        counter_sub(counters, COUNT_paused_publishers, 1);
    state_review_outbox(s);
}
