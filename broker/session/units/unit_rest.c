/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_rest.h"

#include <string.h>

#include "broker/session/clients.h"
#include "broker/session/units/unit_render.h"
#include "broker/session/units/units.h"

bool unit_rest_keep(struct session *s, const struct subscriber *lane)
{
    struct units *u = s->units;
    struct unit_render *r = units_hub(s)->render;
    if (!u || u->started.sub != lane)
        return true;
    unit_render_begin(r);
    unit_render_started(r, &u->started);
    u->started.sub = NULL;
    struct block *b = block_new(core_pool(s->all->core), (uint32_t)r->bytes);
    if (!b)
        return false;
    block_assign(b, &units_hub(s)->account);
    for (int i = 0; i < r->iovs; i++) {
        memcpy(b->bytes + b->used, r->iov[i].iov_base, r->iov[i].iov_len);
        b->used += (uint32_t)r->iov[i].iov_len;
    }
    struct slice slice = {.block = b, .length = b->used, .messages = 1};
    bool is_kept = backlog_own(&u->rest, s->all->budget) &&
                   backlog_push(u->rest, s->all->budget, &slice);
    block_unref(b);
    units_write_later(u);
    return is_kept;
}
