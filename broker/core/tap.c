/* SPDX-License-Identifier: MIT */
#include "broker/core/tap.h"

#include <assert.h>

#include "broker/core/core.h"
#include "broker/core/route.h"

static struct tap *tap_of(const struct channel *ch)
{
    LIST_EACH (link, &ch->core->taps) {
        struct tap *t = LIST_OF(link, struct tap, link);
        if (t->channel == ch)
            return t;
    }
    return NULL;
}

bool tap_open(struct tap *t, struct core *c, const uint8_t *name,
              uint32_t length, tap_fn *on_slice)
{
    enum route route = route_of(name, length);
    *t = (struct tap){.on_slice = on_slice};
    list_init(&t->link);
    if (route == ROUTE_NULL || route == ROUTE_SYS)
        return false;
    struct channel *ch = core_obtain(c, name, length);
    if (!ch || ch->is_tapped)
        return false;
    channel_commit(ch); /* what came before is not for it */
    ch->is_tapped = true;
    t->channel = ch;
    list_insert(&c->taps, &t->link);
    return true;
}

static void tap_detach(struct tap *t)
{
    t->channel->is_tapped = false;
    t->channel = NULL;
    list_remove(&t->link);
}

void tap_close(struct tap *t)
{
    struct channel *ch = t->channel;
    if (!ch)
        return;
    tap_detach(t);
    channel_touch(ch);
}

void tap_show(struct channel *ch, const struct slice *slice)
{
    struct tap *t = tap_of(ch);
    assert(t);
    t->on_slice(t, slice);
}

void tap_forget(struct channel *ch)
{
    struct tap *t = tap_of(ch);
    if (t)
        tap_detach(t);
}
