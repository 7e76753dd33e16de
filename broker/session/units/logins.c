/* SPDX-License-Identifier: MIT */
#include "broker/session/units/logins.h"

#include <stdlib.h>

#include "broker/auth/checks.h"
#include "broker/auth/tries.h"
#include "broker/net/reactor.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/hub.h"

static bool logins_open(struct logins *l, void (*on_results)(void *logins))
{
    idmap_init(&l->by_session, l->all->budget);
    list_init(&l->waiting);
    l->tries = clients_obtain_tries(l->all);
    if (!l->tries)
        return false;
    l->results = reactor_file_new(l->all->reactor,
                                  checks_fd(l->tries->checks, CHECKS_SESSIONS),
                                  on_results, l);
    return l->results != NULL;
}

struct logins *logins_obtain(struct unit_hub *hub,
                             void (*on_results)(void *logins))
{
    if (hub->logins)
        return hub->logins;
    struct logins *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->all = hub->all;
    if (!logins_open(l, on_results)) {
        logins_free(l);
        return NULL;
    }
    hub->logins = l;
    return l;
}

void logins_free(struct logins *l)
{
    if (!l)
        return;
    reactor_file_free(l->results);
    idmap_clear(&l->by_session);
    free(l);
}

struct login *logins_find(const struct session *s)
{
    const struct unit_hub *hub = s->all->hub;
    const struct logins *l = hub ? hub->logins : NULL;
    const uint64_t *row =
        l && l->by_session.count > 0 ? idmap_find(&l->by_session, s->id) : NULL;
    return row ? (struct login *)(uintptr_t)*row : NULL;
}
