/* SPDX-License-Identifier: MIT */
#include "client/monitor/gallery.h"

#include <assert.h>

bool gallery_init(struct gallery *g)
{
    *g = (struct gallery){.events = json_array()};
    return g->events != NULL;
}

void gallery_fini(struct gallery *g)
{
    while (g->count > 0)
        reporter_free(g->reporter[--g->count]);
    json_decref(g->events);
}

static struct reporter *gallery_find(const struct gallery *g,
                                     const struct report *r)
{
    for (size_t i = 0; i < g->count; i++)
        if (reporter_is(g->reporter[i], r))
            return g->reporter[i];
    return NULL;
}

/* Who has been silent longest; NULL: all speak. */
static struct reporter **gallery_find_silent(struct gallery *g)
{
    struct reporter **found = NULL;
    for (size_t i = 0; i < g->count; i++) {
        const struct reporter *p = g->reporter[i];
        assert(p);
        if (p->is_silent && (!found || p->heard_ms < (*found)->heard_ms))
            found = &g->reporter[i];
    }
    return found;
}

static struct reporter *gallery_add(struct gallery *g, const struct report *r)
{
    struct reporter *p = reporter_new(r);
    if (p && g->count < GALLERY_REPORTERS_MAX) {
        g->reporter[g->count++] = p;
        return p;
    }
    struct reporter **silent = p ? gallery_find_silent(g) : NULL;
    if (silent) {
        reporter_free(*silent);
        *silent = p;
        return p;
    }
    if (p)
        reporter_free(p);
    return NULL;
}

/* Events of brokers are far shorter; whoever sends others gets no memory. */
enum { GALLERY_EVENT_BYTES_MAX = 4096 };

static void gallery_take_event(struct gallery *g, json_t *event, int64_t now_ms)
{
    if (json_dumpb(event, NULL, 0, JSON_COMPACT) > GALLERY_EVENT_BYTES_MAX)
        return;
    if (json_array_size(g->events) == GALLERY_EVENTS_MAX)
        json_array_remove(g->events, 0);
    json_object_set_new(event, "time", json_integer(now_ms));
    json_array_append(g->events, event);
}

struct reporter *gallery_take(struct gallery *g, const struct report *r,
                              int64_t now_ms)
{
    struct reporter *p = gallery_find(g, r);
    if (!p)
        p = gallery_add(g, r);
    if (!p || !reporter_take(p, r, now_ms))
        return NULL;
    if (r->kind == REPORT_EVENT)
        gallery_take_event(g, r->document, now_ms);
    return p;
}
