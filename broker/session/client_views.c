/* SPDX-License-Identifier: MIT */
#include "broker/session/client_views.h"

#include "broker/net/tls.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/state.h"
#include "users/users.h"

static struct view view_of(const struct session *s, clock_ms now)
{
    const struct channel *full = publisher_waits_for(&s->pub);
    const struct credential *shown = identity_shown(s);
    const struct user *user = credential_user(shown);
    struct view v = {
        .waits_for = full ? channel_name(full) : NULL,
        .waits_for_length = full ? channel_name_length(full) : 0,
        .kind = state_names[s->state],
        .protocol = s->state == SESSION_HELLO ? 0 : session_kind(s)->version,
        .tls = tls_version_of(s->stream),
        .cipher = tls_cipher_of(s->stream),
        .user = user ? user->name : NULL,
        .way = credential_way(shown),
        .peer = &s->peer,
        .conn = s->id,
        .number = {[VIEW_IN] = s->pub.messages_in},
    };
    session_kind(s)->view(s, now, &v);
    return v;
}

void client_views_begin(struct clients *all)
{
    all->shown_next = all->list.next;
}

bool client_views_show(struct clients *all, size_t count, view_fn *visit,
                       void *arg)
{
    clock_ms now = reactor_now_ms(all->reactor);
    struct list *link = all->shown_next;
    for (; count > 0 && link != &all->list; count--, link = link->next) {
        struct view v = view_of(LIST_OF(link, struct session, link), now);
        visit(arg, &v);
    }
    all->shown_next = link;
    return link != &all->list;
}

uint64_t client_views_show_after(const struct clients *all, uint64_t after,
                                 size_t count, view_fn *visit, void *arg)
{
    clock_ms now = reactor_now_ms(all->reactor);
    uint64_t last = 0;
    LIST_EACH (link, &all->list) {
        const struct session *s = LIST_OF(link, struct session, link);
        if (s->id <= after)
            continue;
        if (count-- == 0)
            return last;
        struct view v = view_of(s, now);
        visit(arg, &v);
        last = s->id;
    }
    return 0;
}
