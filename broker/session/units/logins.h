/* SPDX-License-Identifier: MIT
 *
 * logins - what the logins of one reactor share: what is known of all who try,
 * and the clients that wait. It is made with the first login.
 */
#ifndef SLUICE_SESSION_UNITS_LOGINS_H
#define SLUICE_SESSION_UNITS_LOGINS_H

#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"
#include "broker/base/sampler.h"
#include "broker/base/throttle.h"

struct clients;
struct login;
struct network;
struct reactor_file;
struct session;
struct tries;
struct unit_hub;

enum {
    LOGINS_WAITING_MAX = 256,  /* for their turn */
    LOGINS_SUSPECTS_MAX = 192, /* of them, when one more is a suspect */
    LOGINS_SOURCE_MAX = 64,    /* of them, from one source */
};

struct logins {
    struct clients *all;
    struct idmap by_session; /* struct login */
    struct list waiting;     /* struct login, in order of arrival */
    uint32_t waiting_count;
    struct throttle log;          /* of failures */
    struct sampler busy;          /* what was logged of these, by source */
    struct tries *tries;          /* of all clients */
    struct reactor_file *results; /* of the passwords compared there */
};

/* Those of a reactor. `on_results` is called when checks have ended. NULL
 * without memory, or when the system refuses. */
struct logins *logins_obtain(struct unit_hub *hub,
                             void (*on_results)(void *logins));

/* NULL is allowed; the sessions are gone. */
void logins_free(struct logins *l);

/* The login of a session; NULL when it has none. */
struct login *logins_find(const struct session *s);

#endif
