/* SPDX-License-Identifier: MIT */
#include "client/lib/units/units.h"

#include "proto/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void units_free(struct sluice_units *u)
{
    sluice_units_reset(u);
    free(u->settings.address);
    free(u->settings.name);
    free(u->settings.user);
    free(u->settings.mech);
    free(u->settings.proof);
    free(u);
}

struct sluice_units *sluice_units_of(struct sluice *s)
{
    if (s->units)
        return s->units;
    struct sluice_units *u = calloc(1, sizeof *u);
    if (!u) {
        (void)sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                 "out of memory");
        return NULL;
    }
    u->settings.ping_ms = -1;
    u->settings.window = SLUICE_WINDOW_DEFAULT;
    u->link.approach.fd = -1;
    s->units = u;
    s->free_units = units_free;
    return u;
}

bool sluice_units_sync_durable(struct sluice *s)
{
    struct sluice_units *u = sluice_units_of(s);
    if (u)
        u->settings.syncs_durable = true;
    return u;
}

void sluice_units_reset(struct sluice_units *u)
{
    sluice_approach_end(&u->link.approach);
    sluice_calls_fini(&u->calls);
    sluice_readers_fini(&u->readers);
    sluice_topics_clear(&u->topics);
    sluice_held_clear(&u->held);
    sluice_kept_clear(&u->kept);
    u->taken.kind = SLUICE_TAKEN_NOTHING;
    u->link = (struct sluice_link){.approach = {.fd = -1}};
    u->failed.error = SLUICE_OK;
    u->lost = 0;
}

void sluice_units_append(struct sluice *s, struct span head,
                         struct sluice_bytes body)
{
    if (s->units->link.is_deaf)
        return;
    uint8_t unit[2 * FRAME_HEAD_BYTES + HEAD_MAX], *end;
    end = frame_put(unit, head.text, head.length);
    frame_put_length(end, (uint32_t)body.length);
    struct sluice_bytes bytes = {unit, (size_t)(end - unit) + FRAME_HEAD_BYTES};
    if (sluice_outbox_append(&s->out, bytes) &&
        sluice_outbox_append(&s->out, body))
        return;
    /* A unit cut short cannot be repaired: the next read finds the end. */
    s->units->link.is_deaf = true;
    shutdown(s->wire.fd, SHUT_RDWR);
}

void sluice_units_note_failure(struct sluice_units *u, enum sluice_error error,
                               const char *format, ...)
{
    if (u->failed.error != SLUICE_OK)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(u->failed.sentence, sizeof u->failed.sentence, format, args);
    va_end(args);
    u->failed.error = error;
}
