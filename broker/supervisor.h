/* SPDX-License-Identifier: MIT
 *
 * supervisor - the service manager that may have started the broker: it passes
 * sockets, is told how things stand, and wants to hear that the loop turns.
 */
#ifndef SLUICE_BROKER_SUPERVISOR_H
#define SLUICE_BROKER_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/notify.h"

struct doors;
struct log;
struct reactor;
struct reactor_timer;

struct supervisor {
    struct notify notify;
    struct log *log;
    struct reactor_timer *watchdog; /* NULL when none is wanted */
    uint32_t feed_ms;
};

/* False, with one sentence, when the environment makes no sense or the system
 * refuses; supervisor_fini is due in any case. The pointers are borrowed. */
bool supervisor_init(struct supervisor *s, struct reactor *r, struct log *log,
                     char *error, size_t room);
void supervisor_fini(struct supervisor *s);

/* Gives the sockets that were passed to `doors`. */
bool supervisor_pass_sockets(struct doors *doors, char *error, size_t room);

/* The broker is ready, for the first time or again; `status` is for people.
 * From now on the watchdog is fed from the loop. */
void supervisor_ready(struct supervisor *s, const char *status);
void supervisor_reloading(struct supervisor *s);

/* The broker stops, which may take that long. */
void supervisor_stopping(struct supervisor *s, uint64_t ms);

#endif
