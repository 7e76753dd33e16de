/* SPDX-License-Identifier: MIT */
#include "broker/session/units/client_name.h"

#include "broker/base/budget.h"
#include "broker/base/idmap.h"
#include "broker/session/clients.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/units.h"
#include "proto/spelling.h"

struct client_name {
    uint8_t length;
    uint8_t octets[CLIENT_NAME_MAX];
};

static struct client_name *find(const struct session *s)
{
    const struct idmap *names = &units_hub(s)->names;
    const uint64_t *row = names->count > 0 ? idmap_find(names, s->id) : NULL;
    return row ? (struct client_name *)(uintptr_t)*row : NULL;
}

bool client_name_set(const struct session *s, struct span spelled)
{
    struct budget *budget = s->all->budget;
    if (spelled.length == 0)
        return true;
    struct client_name *name = budget_zalloc(budget, sizeof *name);
    if (!name ||
        !idmap_put(&units_hub(s)->names, s->id, (uint64_t)(uintptr_t)name)) {
        budget_free(budget, name, sizeof *name);
        return false;
    }
    name->length = (uint8_t)spelling_read(name->octets, spelled);
    return true;
}

const uint8_t *client_name_get(const struct session *s, uint32_t *length)
{
    const struct client_name *name = find(s);
    *length = name ? name->length : 0;
    return name ? name->octets : NULL;
}

void client_name_forget(const struct session *s)
{
    struct client_name *name = find(s);
    if (!name)
        return;
    idmap_remove(&units_hub(s)->names, s->id);
    budget_free(s->all->budget, name, sizeof *name);
}
