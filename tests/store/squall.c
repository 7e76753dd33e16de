/* SPDX-License-Identifier: MIT */
#include "tests/store/squall.h"

#include <inttypes.h>

#include "tests/store/body.h"
#include "tests/store/sim_disk.h"
#include "tests/store/storm.h"

enum {
    SLICE_MESSAGES = 8,
    FLOOD = 200,          /* slices */
    RESERVE_SEGMENTS = 6, /* spares */
    SLACK_SEGMENTS = 4,
    LONG_BYTES = 1 << 20, /* a segment for one record is a multiple of it */
};

/* Nothing more can be asked of this life. */
static bool is_over(const struct storm *s)
{
    return sim_disk_has_stopped(s->disk) ||
           (s->may_fail && s->life.state == STORE_FAILED);
}

/* A channel that is open; it is opened when it is not. NULL: refused. */
static struct model_channel *any_channel(struct storm *s)
{
    uint32_t name = storm_chance(s, s->channels);
    struct model_channel *c = model_named(&s->model, name);
    if (!c && life_open_channel(&s->life, name))
        c = model_named(&s->model, name);
    return c;
}

/* One that holds something. */
static struct model_channel *filled_channel(struct storm *s)
{
    struct model_channel *c =
        model_named(&s->model, storm_chance(s, s->channels));
    return c && c->next > c->first ? c : NULL;
}

static bool is_long(uint64_t tag)
{
    return tag % BODY_LONG_EVERY == BODY_LONG_EVERY - 1;
}

static bool put(struct storm *s)
{
    uint32_t n = 1 + storm_chance(s, SLICE_MESSAGES);
    bool has_text = storm_chance(s, 8) == 0;
    struct model_channel *c = any_channel(s);
    if (!c)
        return s->model.complaint[0] == '\0';
    if (has_text)
        n = 1;
    for (uint64_t tag = s->model.last_tag + 1; tag <= s->model.last_tag + n;
         tag++)
        if (is_long(tag) && !s->has_long) {
            s->model.last_tag = tag; /* left out */
            return true;
        }
    (void)life_put(&s->life, c, n, has_text);
    return true;
}

static bool flood(struct storm *s)
{
    uint32_t n = storm_chance(s, FLOOD);
    for (uint32_t i = 0; i < n && s->life.state == STORE_OPEN; i++)
        if (!put(s) || (storm_chance(s, 4) == 0 && life_step(&s->life) == 0 &&
                        s->life.state == STORE_FAILED))
            return s->model.complaint[0] == '\0';
    return true;
}

/* Acknowledges the messages from `from` on that may be, at most `most`. */
static void ack_some(struct storm *s, struct model_channel *c, uint64_t from,
                     uint64_t most)
{
    uint64_t first = from, n = 0;
    for (uint64_t i = 0; i < most && from + i < c->next; i++) {
        const struct model_message *m = &c->messages[from + i - c->first];
        bool may = m->is_confirmed && m->end == MODEL_KEPT;
        if (may && n++ == 0)
            first = from + i;
        if (may)
            continue;
        if (n > 0 && !life_ack(&s->life, c, first, (uint32_t)n))
            return;
        n = 0;
    }
    if (n > 0)
        (void)life_ack(&s->life, c, first, (uint32_t)n);
}

static bool ack_in_order(struct storm *s)
{
    struct model_channel *c = filled_channel(s);
    if (c)
        ack_some(s, c, c->first, 1 + storm_chance(s, 40));
    return true;
}

static bool ack_anywhere(struct storm *s)
{
    struct model_channel *c = filled_channel(s);
    for (uint32_t i = storm_chance(s, 6); c && i > 0; i--)
        ack_some(s, c,
                 c->first + storm_chance(s, (uint32_t)(c->next - c->first)),
                 1 + storm_chance(s, 3));
    return true;
}

static void ack_all(struct storm *s)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        struct model_channel *c = &s->model.channels[i];
        if (c->id && c->end == MODEL_KEPT)
            ack_some(s, c, c->first, c->next - c->first);
    }
}

/* The number from which on nothing was confirmed. */
static uint64_t confirmed_end(const struct model_channel *c)
{
    uint64_t n = c->first;
    while (n < c->next && c->messages[n - c->first].is_confirmed)
        n++;
    return n;
}

static bool ack_front(struct storm *s)
{
    struct model_channel *c = filled_channel(s);
    if (!c)
        return true;
    uint64_t end = confirmed_end(c);
    uint32_t count = storm_chance(s, (uint32_t)(end - c->first) + 1);
    if (count > 0)
        (void)life_ack(&s->life, c, c->first, count);
    return true;
}

/* A channel goes when it holds nothing. */
static bool drop(struct storm *s)
{
    struct model_channel *c =
        model_named(&s->model, storm_chance(s, s->channels));
    if (!c || confirmed_end(c) < c->next)
        return true;
    ack_some(s, c, c->first, c->next - c->first);
    for (uint64_t n = c->first; n < c->next; n++)
        if (c->messages[n - c->first].end == MODEL_KEPT)
            return true;
    life_drop(&s->life, c);
    return true;
}

static bool step(struct storm *s)
{
    (void)life_step(&s->life);
    s->counts->full += s->life.state == STORE_FULL;
    if (s->life.state == STORE_FAILED && !is_over(s))
        return storm_complain(s, "failed on a disk without faults");
    return s->complaint[0] == '\0';
}

static bool settle(struct storm *s)
{
    if (life_settle(&s->life) || is_over(s) || s->may_fail)
        return true;
    return storm_complain(s, "does not come to rest");
}

/* JOURNAL: on disk <= 2 x live + 4 segments + reserve, and never over the
 * limit. */
static bool compare_bytes(struct storm *s)
{
    if (s->may_fail)
        return true; /* a file may be left until the next opening */
    struct engine_stats stats = engine_stats(s->life.engine);
    uint64_t most = 2 * stats.live_bytes + (SLACK_SEGMENTS + RESERVE_SEGMENTS) *
                                               s->bounds.segment_bytes;
    if (s->has_long)
        most += 2 * (uint64_t)LONG_BYTES;
    if (stats.file_bytes > most)
        return storm_complain(
            s, "%" PRIu64 " bytes of files for %" PRIu64 " that live",
            stats.file_bytes, stats.live_bytes);
    if (sim_disk_used(s->disk) > s->bounds.limit_bytes + SIM_SECTOR)
        return storm_complain(s, "%" PRIu64 " bytes on disk, above the limit",
                              sim_disk_used(s->disk));
    return true;
}

static bool compare(struct storm *s)
{
    if (!settle(s) || is_over(s))
        return s->complaint[0] == '\0';
    if (!life_compare(&s->life))
        return storm_complain(s, "while open: %s", s->model.complaint);
    return compare_bytes(s);
}

/* Everything is acknowledged: there must be room again. */
bool squall_drain(struct storm *s)
{
    bool was_full = s->life.state == STORE_FULL;
    for (int i = 0; i < 100; i++) {
        ack_all(s);
        if (!settle(s))
            return false;
        if (is_over(s))
            return true;
        if (s->life.state == STORE_OPEN)
            break;
        (void)life_step(&s->life);
    }
    if (s->life.state != STORE_OPEN)
        return is_over(s) || s->may_fail ||
               storm_complain(s, "empty, and still full");
    s->counts->opened_again += was_full;
    return true;
}

struct gust {
    uint32_t weight;
    bool (*take)(struct storm *s);
};

static const struct gust gusts[] = {
    {40, put},      {20, ack_in_order}, {15, ack_anywhere},
    {2, ack_front}, {3, drop},          {30, step},
    {2, compare},   {3, flood},         {1, squall_drain},
};

bool squall(struct storm *s)
{
    uint32_t total = 0, i = 0;
    for (uint32_t k = 0; k < sizeof gusts / sizeof *gusts; k++)
        total += gusts[k].weight;
    for (uint32_t at = storm_chance(s, total); at >= gusts[i].weight; i++)
        at -= gusts[i].weight;
    return gusts[i].take(s) && s->model.complaint[0] == '\0';
}
