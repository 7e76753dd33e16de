/* SPDX-License-Identifier: MIT */
#include "broker/store/engine.h"

#include <stdlib.h>
#include <string.h>

#include "broker/store/engine_parts.h"
#include "broker/store/moving.h"
#include "broker/store/opening.h"
#include "broker/store/reading.h"
#include "broker/store/room.h"
#include "broker/store/step.h"
#include "broker/store/writer.h"
#include "proto/little.h"

enum {
    RANGES_SHARE = 4, /* of a segment, that STATE's ranges take at most */
};

struct engine *engine_open(const struct engine_setup *setup, uint64_t wall_ms,
                           struct engine_report *report)
{
    *report = (struct engine_report){0};
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->shelf = (struct shelf){
        .disk = setup->disk,
        .segment_bytes = (setup->segment_bytes + JOURNAL_PAGE - 1) /
                         JOURNAL_PAGE * JOURNAL_PAGE,
        .limit_bytes = setup->limit_bytes,
        .free_bytes = setup->free_bytes,
    };
    catalog_init(&e->catalog, &e->shelf);
    memcpy(e->uuid, setup->random, JOURNAL_UUID);
    e->chance = little_get_64(setup->random + JOURNAL_UUID);
    e->wall_ms = wall_ms;
    e->newest = e->moving.victim = SEGMENT_NONE;
    e->next_batch = e->next_id = 1;
    e->window = (struct window){.shelf = &e->shelf, .chunk = WINDOW_FEW_BYTES};
    if (!opening_run(e, report)) {
        engine_abandon(e);
        return NULL;
    }
    e->window.chunk = WINDOW_BYTES;
    e->catalog.range_max =
        (uint32_t)(e->shelf.segment_bytes / RANGES_SHARE / JOURNAL_RANGE);
    return e;
}

void engine_abandon(struct engine *e)
{
    catalog_clear(&e->catalog);
    shelf_clear(&e->shelf);
    batch_clear(&e->batch);
    window_clear(&e->window);
    moving_clear(&e->moving);
    free(e->index);
    free(e);
}

bool engine_finish(struct engine *e, uint64_t wall_ms)
{
    uint32_t written;
    do {
        written = e->written;
        (void)engine_step(e, wall_ms);
    } while (e->written != written && e->written != e->taken);
    bool has_failed = e->state == STORE_FAILED;
    /* Segments that could be freed are found again. */
    bool is_all = !has_failed && !e->catalog.dirty && e->written == e->taken;
    int error = has_failed || e->is_sealed ? 0 : writer_seal(e);
    /* Without space it is opened as after a kill. */
    return is_all && (error == 0 || space_error(error));
}

enum store_state engine_state(const struct engine *e)
{
    return e->state;
}

struct engine_numbers engine_numbers(const struct engine *e)
{
    return (struct engine_numbers){e->catalog.above, e->catalog.next_channel};
}

bool engine_visit_channels(struct engine *e, store_channel_fn *visit, void *arg)
{
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following) {
        struct store_channel channel = {
            .id = one->id,
            .name = one->name,
            .name_length = one->name_length,
            .floor = one->floor,
            .next = one->next,
        };
        channel.messages = catalog_held(one, &channel.bytes);
        if (!visit(arg, &channel))
            return false;
    }
    return true;
}

void engine_set_limits(struct engine *e, uint64_t limit_bytes,
                       uint64_t free_bytes)
{
    e->shelf.limit_bytes = limit_bytes;
    e->shelf.free_bytes = free_bytes;
}

/* Orders. */

static bool take_open(struct engine *e, const struct order *o)
{
    struct catalog_channel *channel = catalog_open(
        &e->catalog, o->channel, o->name, o->name_length, o->first);
    if (!channel)
        return false;
    channel->is_new = true;
    catalog_soil(&e->catalog, channel);
    free(o->name);
    return true;
}

static bool take_drop(struct engine *e, const struct order *o)
{
    struct catalog_channel *channel = catalog_find(&e->catalog, o->channel);
    if (channel)
        catalog_drop(&e->catalog, channel);
    return true;
}

static bool take_put(struct engine *e, const struct order *o)
{
    if (e->taken - e->reaped == ENGINE_PUTS)
        return false;
    *engine_put_at(e, e->taken++) = o->put;
    return true;
}

static bool take_ack(struct engine *e, const struct order *o)
{
    struct catalog_channel *channel = catalog_find(&e->catalog, o->channel);
    e->stats.acks += o->count;
    return !channel || catalog_ack(&e->catalog, channel, o->first,
                                   o->first + o->count, channel->is_new);
}

static bool take_read(struct engine *e, const struct order *o)
{
    reading_run(e, o->read);
    return true;
}

bool engine_take(struct engine *e, const struct order *order)
{
    static bool (*const takers[])(struct engine *, const struct order *) = {
        [ORDER_OPEN] = take_open, [ORDER_DROP] = take_drop,
        [ORDER_PUT] = take_put,   [ORDER_ACK] = take_ack,
        [ORDER_READ] = take_read,
    };
    return takers[order->kind](e, order);
}

int engine_reap(struct engine *e, struct store_put *puts, int max)
{
    int n = 0;
    while (n < max && e->reaped != e->written)
        puts[n++] = *engine_put_at(e, e->reaped++);
    return n;
}

int engine_take_back(struct engine *e, struct store_put *puts, int max)
{
    int n = 0;
    while (n < max && e->taken != e->written)
        puts[n++] = *engine_put_at(e, --e->taken);
    return n;
}

enum engine_need engine_need(const struct engine *e)
{
    return step_need(e);
}

struct store_room engine_room(const struct engine *e)
{
    return room_of(e);
}

enum store_state engine_step(struct engine *e, uint64_t wall_ms)
{
    e->wall_ms = wall_ms;
    if (e->state != STORE_FAILED)
        step_run(e);
    return e->state;
}

struct engine_stats engine_stats(const struct engine *e)
{
    struct engine_stats stats = e->stats;
    uint64_t bytes;
    stats.segments = shelf_sum(&e->shelf, &bytes, &stats.live_bytes);
    stats.file_bytes = shelf_bytes(&e->shelf);
    stats.spares = (uint64_t)e->shelf.spares;
    stats.channels = e->catalog.ids.count;
    stats.state_bytes = e->catalog.names_bytes;
    stats.late_acks = e->catalog.late_count;
    stats.read_bytes = e->window.read;
    return stats;
}
