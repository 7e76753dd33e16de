/* SPDX-License-Identifier: MIT */
#include "broker/store/engine.h"

#include <stdlib.h>
#include <string.h>

#include "broker/store/engine_parts.h"
#include "broker/store/opening.h"
#include "broker/store/reading.h"
#include "broker/store/step.h"
#include "broker/store/writer.h"
#include "proto/little.h"

enum {
    RANGES_SHARE = 4, /* of a segment, that STATE's ranges take at most */
    BATCH_BYTES = JOURNAL_BATCH_MAX / 8 * 7, /* of puts, unless one is more */
};

enum engine_result engine_open(struct engine **engine,
                               const struct engine_setup *setup,
                               uint64_t wall_ms, struct engine_report *report)
{
    *engine = NULL;
    *report = (struct engine_report){0};
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return ENGINE_NO_MEMORY;
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
    enum engine_result result = opening_run(e, report);
    if (result != ENGINE_OPENED) {
        engine_abandon(e);
        return result;
    }
    e->window.chunk = WINDOW_BYTES;
    e->catalog.range_max =
        (uint32_t)(e->shelf.segment_bytes / RANGES_SHARE / JOURNAL_RANGE);
    *engine = e;
    return ENGINE_OPENED;
}

void engine_abandon(struct engine *e)
{
    catalog_clear(&e->catalog);
    shelf_clear(&e->shelf);
    batch_clear(&e->batch);
    window_clear(&e->window);
    free(e->index);
    free(e);
}

bool engine_finish(struct engine *e, uint64_t wall_ms)
{
    bool has_failed = engine_step(e, wall_ms) == STORE_FAILED;
    /* Segments that could be freed are found again. */
    bool is_all = !has_failed && !e->catalog.dirty &&
                  (e->put_count == 0 || e->is_written);
    int error = has_failed || e->is_sealed ? 0 : writer_seal(e);
    /* Without space it is opened as after a kill. */
    return is_all && (error == 0 || space_error(error));
}

bool engine_close(struct engine *e, uint64_t wall_ms)
{
    bool is_done = engine_finish(e, wall_ms);
    engine_abandon(e);
    return is_done;
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

/* Commands. */

bool engine_open_channel(struct engine *e, uint32_t id, const uint8_t *name,
                         uint32_t length, uint64_t first)
{
    struct catalog_channel *channel =
        catalog_open(&e->catalog, id, name, length, first);
    if (!channel)
        return false;
    channel->is_new = true;
    catalog_soil(&e->catalog, channel);
    return true;
}

void engine_drop_channel(struct engine *e, uint32_t id)
{
    struct catalog_channel *channel = catalog_find(&e->catalog, id);
    if (channel)
        catalog_drop(&e->catalog, channel);
}

bool engine_put(struct engine *e, const struct store_put *put)
{
    struct catalog_channel *channel = catalog_find(&e->catalog, put->channel);
    uint64_t bytes = step_put_bytes(&put->slice);
    uint64_t most = e->shelf.segment_bytes / 2 < BATCH_BYTES
                        ? e->shelf.segment_bytes / 2
                        : BATCH_BYTES;
    bool is_full = e->put_count == ENGINE_PUTS ||
                   (e->put_count > 0 && e->put_bytes + bytes > most);
    if (e->state != STORE_OPEN || e->is_written || is_full)
        return false;
    if (channel && !catalog_reserve(channel))
        return false;
    e->puts[e->put_count++] = *put;
    e->put_bytes += bytes;
    return true;
}

bool engine_ack(struct engine *e, uint32_t channel, uint64_t first,
                uint32_t count)
{
    struct catalog_channel *one = catalog_find(&e->catalog, channel);
    e->stats.acks += count;
    return !one ||
           catalog_ack(&e->catalog, one, first, first + count, one->is_new);
}

bool engine_trim(struct engine *e, uint32_t channel, uint64_t first)
{
    struct catalog_channel *one = catalog_find(&e->catalog, channel);
    return !one || catalog_trim(&e->catalog, one, first, false);
}

int engine_reap(struct engine *e, struct store_put *puts, int max)
{
    int n = 0;
    if (!e->is_written)
        return 0;
    while (n < max && e->reaped < e->put_count)
        puts[n++] = e->puts[e->reaped++];
    if (e->reaped == e->put_count) {
        e->put_count = e->reaped = 0;
        e->put_bytes = 0;
        e->is_written = false;
    }
    return n;
}

int engine_take_back(struct engine *e, struct store_put *puts, int max)
{
    int n = 0;
    while (!e->is_written && n < max && e->put_count > 0) {
        struct store_put *put = &puts[n++];
        *put = e->puts[--e->put_count];
        e->put_bytes -= step_put_bytes(&put->slice);
        struct catalog_channel *channel =
            catalog_find(&e->catalog, put->channel);
        if (channel)
            channel->reserved--;
    }
    return n;
}

void engine_read(struct engine *e, struct store_read *read)
{
    reading_run(e, read);
}

enum engine_need engine_need(const struct engine *e)
{
    return step_need(e);
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
    stats.spares = (uint64_t)shelf_spares(&e->shelf);
    stats.channels = e->catalog.ids.count;
    stats.state_bytes = e->catalog.names_bytes;
    stats.late_acks = e->catalog.late_count;
    stats.read_bytes = e->window.read;
    return stats;
}
