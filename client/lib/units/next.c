/* SPDX-License-Identifier: MIT
 *
 * The events of a handle, one by one: first those that were kept, then those of
 * what was taken last, then new ones.
 */
#include "client/lib/units/intake.h"
#include "client/lib/units/link.h"
#include "client/lib/units/pump.h"
#include "client/lib/units/taker.h"
#include "client/lib/units/units.h"

/* A worker may be busy for long with the message that it is given: what the
 * broker waits for must not wait for that. */
static enum sluice_error next_show(struct sluice *s,
                                   const struct sluice_event *e,
                                   const struct sluice_event **event)
{
    if (s->units->link.is_urgent)
        (void)sluice_pump_write(s);
    *event = e;
    return SLUICE_OK;
}

enum sluice_error sluice_next(struct sluice *s,
                              const struct sluice_event **event, int timeout_ms)
{
    sluice_handle_assert(s);
    if (!s->protocol)
        return sluice_handle_bad_state(s);
    struct sluice_units *u = s->units;
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    sluice_kept_give_back(&u->kept);
    const struct sluice_event *kept = sluice_kept_show(&u->kept);
    if (kept)
        return next_show(s, kept, event);
    for (;;) {
        const struct sluice_reader *owner;
        if (sluice_taker_make(s, &u->shown, &owner)) {
            sluice_intake_lend(&s->in);
            return next_show(s, &u->shown.event, event);
        }
        sluice_inbox_give_back(&s->in);
        enum sluice_error error =
            sluice_pump_step(s, deadline, "nothing arrived in time");
        if (error != SLUICE_OK)
            return error;
    }
}

enum sluice_error sluice_await(struct sluice *s, uint64_t token,
                               const struct sluice_event **event,
                               int timeout_ms)
{
    sluice_handle_assert(s);
    if (!s->protocol)
        return sluice_handle_bad_state(s);
    struct sluice_units *u = s->units;
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    *event = sluice_kept_find(&u->kept, token);
    while (!*event) {
        bool is_found = false;
        enum sluice_error error = sluice_pump_keep(s, token, &is_found);
        if (is_found)
            *event = sluice_kept_find(&u->kept, token);
        else if (error == SLUICE_OK)
            error = sluice_pump_step(s, deadline, "no answer came in time");
        if (!*event && error != SLUICE_OK)
            return error;
    }
    return SLUICE_OK;
}

static bool next_is_confirmed(const struct sluice_units *u)
{
    return u->calls.count == u->calls.requests;
}

enum sluice_error sluice_confirm(struct sluice *s, int timeout_ms)
{
    sluice_handle_assert(s);
    if (!s->protocol)
        return sluice_handle_bad_state(s);
    struct sluice_units *u = s->units;
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    while (!next_is_confirmed(u)) {
        enum sluice_error error = sluice_pump_keep_and_step(
            s, deadline, "the broker did not confirm in time");
        if (error != SLUICE_OK && !next_is_confirmed(u))
            return error;
    }
    if (u->failed.error == SLUICE_OK)
        return SLUICE_OK;
    s->failure = u->failed;
    u->failed.error = SLUICE_OK;
    return s->failure.error;
}

int sluice_wait_ms(const struct sluice *s)
{
    sluice_handle_assert(s);
    if (!s->protocol)
        return -1;
    if (s->units->kept.first || s->units->taken.kind != SLUICE_TAKEN_NOTHING)
        return 0;
    return sluice_deadline_left(sluice_link_due(s));
}

uint64_t sluice_lost(const struct sluice *s)
{
    sluice_handle_assert(s);
    return s->units ? s->units->lost : 0;
}

const char *sluice_error_code(const struct sluice *s)
{
    sluice_handle_assert(s);
    bool is_refusal = s->failure.error == SLUICE_REFUSED ||
                      s->failure.error == SLUICE_UNSUPPORTED;
    return s->units && is_refusal ? s->units->code : "";
}
