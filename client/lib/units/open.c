/* SPDX-License-Identifier: MIT
 *
 * How a handle enters version 2, and how it leaves in order. The broker's BYE
 * proves that it has executed everything before ours.
 */
#include "client/lib/units/link.h"
#include "client/lib/units/pump.h"
#include "client/lib/units/taker.h"
#include "client/lib/units/units.h"

#include <stdlib.h>

/* --- leaving ------------------------------------------------------------- */

static enum sluice_error open_goodbye(struct sluice *s)
{
    struct sluice_link *link = &s->units->link;
    if (link->state == SLUICE_LINK_ENDED)
        return s->end;
    if (link->state == SLUICE_LINK_LEAVING)
        return SLUICE_OK;
    if (link->state != SLUICE_LINK_UP)
        return sluice_failure_set(
            &s->failure, SLUICE_BROKEN,
            "there is no connection on which to say goodbye");
    struct span head = span_of("BYE");
    sluice_units_append(s, head, (struct sluice_bytes){NULL, 0});
    link->state = SLUICE_LINK_LEAVING;
    link->is_left = true;
    (void)sluice_pump_write(s); /* an error shows when it is read */
    return SLUICE_OK;
}

/* Drops events until the connection has ended. */
static enum sluice_error open_drain(struct sluice *s, sluice_deadline deadline)
{
    const struct sluice_reader *owner;
    for (;;) {
        while (sluice_taker_make(s, &s->units->spare, &owner))
            ;
        enum sluice_error error = sluice_pump_step(
            s, deadline, "the broker did not say goodbye in time");
        if (s->units->link.state == SLUICE_LINK_ENDED)
            return s->end == SLUICE_CLOSED && s->units->link.is_left ? SLUICE_OK
                                                                     : s->end;
        if (error != SLUICE_OK)
            return error;
    }
}

static enum sluice_error open_close(struct sluice *s, int timeout_ms)
{
    enum sluice_error error = open_goodbye(s);
    if (error == SLUICE_OK || s->units->link.is_left)
        error = open_drain(s, sluice_deadline_in(timeout_ms));
    sluice_handle_reset(s);
    return error;
}

static enum sluice_error open_flush(struct sluice *s, int timeout_ms)
{
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    while (!sluice_outbox_is_empty(&s->out)) {
        if (sluice_pump_write(s) == SLUICE_OK)
            continue;
        enum sluice_error error = sluice_pump_keep_and_step(
            s, deadline, "the broker took no more in time");
        if (error != SLUICE_OK)
            return error;
    }
    return SLUICE_OK;
}

static void open_reset(struct sluice *s)
{
    sluice_units_reset(s->units);
}

static const struct sluice_protocol open_protocol = {
    .flush = open_flush,
    .goodbye = open_goodbye,
    .close = open_close,
    .fd = sluice_pump_fd,
    .events = sluice_pump_events,
    .reset = open_reset,
};

/* --- entering ------------------------------------------------------------ */

/* The first attempt begins. The handle is ready for it. */
static void open_begin(struct sluice *s, const char *address)
{
    s->units->code[0] = '\0';
    s->protocol = &open_protocol;
    s->state = SLUICE_STATE_UNITS;
    if (address)
        sluice_link_begin(s);
    else
        sluice_link_connected(s);
}

/* The address must outlive the call: it is connected to again. */
static enum sluice_error open_prepare(struct sluice *s, const char *address)
{
    struct sluice_settings *set = &s->units->settings;
    char *copy = address ? strdup(address) : NULL;
    if (address && !copy)
        return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                  "out of memory");
    free(set->address);
    set->address = copy;
    if (!address)
        return SLUICE_OK;
    sluice_handle_reset(s);
    return sluice_handle_start(s, -1);
}

/* When no attempt succeeded, the failure of the last one says more than that
 * the time is up. */
static enum sluice_error open_await(struct sluice *s, int timeout_ms)
{
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    static const char late[] = "the broker did not answer in time";
    struct sluice_failure last = {.error = SLUICE_OK};
    while (s->units->link.state != SLUICE_LINK_UP) {
        if (s->units->link.state == SLUICE_LINK_PAUSING)
            last = s->failure;
        enum sluice_error error = sluice_pump_keep_and_step(s, deadline, late);
        if (error == SLUICE_TIMEOUT && last.error != SLUICE_OK) {
            s->failure = last;
            return last.error;
        }
        if (error != SLUICE_OK)
            return error;
    }
    return SLUICE_OK;
}

enum sluice_error sluice_open(struct sluice *s, const char *address,
                              int timeout_ms)
{
    sluice_handle_assert(s);
    bool is_ready =
        address ? !sluice_handle_is_up(s) : s->state == SLUICE_STATE_CONNECTED;
    if (!is_ready)
        return sluice_handle_bad_state(s);
    if (!sluice_units_of(s))
        return SLUICE_NO_MEMORY;
    enum sluice_error error = open_prepare(s, address);
    if (error != SLUICE_OK)
        return error;
    open_begin(s, address);
    if (timeout_ms == SLUICE_NO_WAIT)
        return sluice_handle_is_over(s) ? s->end : SLUICE_OK;
    error = open_await(s, timeout_ms);
    if (error != SLUICE_OK)
        sluice_handle_reset(s);
    return error;
}
