/* SPDX-License-Identifier: MIT */
#include "client/monitor/reporters.h"

#include <assert.h>

bool reporters_init(struct reporters *all)
{
    *all = (struct reporters){.events = json_array()};
    return all->events != NULL;
}

void reporters_fini(struct reporters *all)
{
    while (all->count > 0)
        reporter_free(all->reporter[--all->count]);
    json_decref(all->events);
}

static struct reporter *reporters_find(const struct reporters *all,
                                       const struct report *r)
{
    for (size_t i = 0; i < all->count; i++)
        if (reporter_is(all->reporter[i], r))
            return all->reporter[i];
    return NULL;
}

/* The one that has been silent longest; NULL when none is silent. */
static struct reporter **reporters_find_silent(struct reporters *all)
{
    struct reporter **found = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct reporter *p = all->reporter[i];
        assert(p);
        if (p->is_silent && (!found || p->heard_ms < (*found)->heard_ms))
            found = &all->reporter[i];
    }
    return found;
}

static struct reporter *reporters_add(struct reporters *all,
                                      const struct report *r)
{
    struct reporter *p = reporter_new(r);
    if (p && all->count < REPORTERS_MAX) {
        all->reporter[all->count++] = p;
        return p;
    }
    struct reporter **silent = p ? reporters_find_silent(all) : NULL;
    if (silent) {
        reporter_free(*silent);
        *silent = p;
        return p;
    }
    if (p)
        reporter_free(p);
    return NULL;
}

/* A broker's events are far shorter; longer ones come from something else and
 * are not kept. */
enum { REPORTERS_EVENT_BYTES_MAX = 4096 };

static void reporters_take_event(struct reporters *all, json_t *event,
                                 int64_t now_ms)
{
    if (json_dumpb(event, NULL, 0, JSON_COMPACT) > REPORTERS_EVENT_BYTES_MAX)
        return;
    if (json_array_size(all->events) == REPORTERS_EVENTS_MAX)
        json_array_remove(all->events, 0);
    json_object_set_new(event, "time", json_integer(now_ms));
    json_array_append(all->events, event);
}

struct reporter *reporters_take(struct reporters *all, const struct report *r,
                                int64_t now_ms)
{
    struct reporter *p = reporters_find(all, r);
    if (!p)
        p = reporters_add(all, r);
    if (!p || !reporter_take(p, r, now_ms))
        return NULL;
    if (r->kind == REPORT_EVENT)
        reporters_take_event(all, r->document, now_ms);
    return p;
}
