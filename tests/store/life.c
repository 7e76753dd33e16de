/* SPDX-License-Identifier: MIT */
#include "tests/store/life.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "tests/store/body.h"
#include "tests/store/orders.h"
#include "tests/store/sim_disk.h"
#include "tests/unit/chance.h"

enum {
    REAP = 64,
    READ_BYTES = 16 << 10,
    STEPS_MAX = 500,
    DAY_MS = 86400000,
};

bool life_open(struct life *life, struct model *model, struct sim_disk *sim,
               const struct life_bounds *bounds, uint64_t seed)
{
    struct engine_setup setup = {
        .disk = sim_disk_calls(sim),
        .segment_bytes = bounds->segment_bytes,
        .limit_bytes = bounds->limit_bytes,
        .free_bytes = bounds->free_bytes,
    };
    *life = (struct life){.model = model};
    block_pool_init(&life->pool, &life->budget);
    /* The clock of the wall may stand anywhere. */
    life->wall_ms = 20 * (uint64_t)DAY_MS + chance_of(&seed, DAY_MS);
    for (int i = 0; i < ENGINE_RANDOM; i++)
        setup.random[i] = (uint8_t)chance_of(&seed, 256);
    life->engine = engine_open(&setup, life->wall_ms, &life->report);
    return life->engine;
}

/* Comparing. */

struct reading {
    struct life *life;
    struct block *block;
    bool is_well;
};

static struct block *block_of(struct life *life, uint32_t capacity)
{
    struct block *b = block_new(&life->pool, capacity);
    if (!b)
        abort();
    block_seal(b);
    return b;
}

/* Shows the messages of one slice; their numbers follow on. */
static bool show_run(struct model *m, uint32_t channel, const struct slice *s)
{
    const uint8_t *at = slice_bytes(s), *end = at + s->length;
    for (uint32_t i = 0; i < s->messages; i++) {
        struct model_found found = {
            .channel = channel, .number = s->first + i, .bytes = at};
        found.text_length = slice_text(s, &found.text);
        if (end - at < FRAME_HEAD_BYTES)
            return false;
        found.length = frame_size(frame_get_length(at));
        if (found.length > (uint64_t)(end - at))
            return false;
        if (!model_found_message(m, &found))
            return false;
        at += found.length;
    }
    return at == end;
}

/* Reads from read->from on, at most a block full. */
static bool show_some(struct reading *r, struct store_read *read)
{
    block_unref(r->block);
    r->block = block_of(r->life, read->needs > 0 ? read->needs : READ_BYTES);
    read->into = r->block;
    read->run_count = read->needs = 0;
    read->damaged = 0;
    (void)engine_read(r->life->engine, read);
    for (uint32_t i = 0; i < read->run_count; i++)
        if (!show_run(r->life->model, read->channel, &read->runs[i]))
            return false;
    if (read->damaged > 0)
        model_found_damage(r->life->model, read->channel, read->damaged);
    bool goes_on = read->next > read->from || read->needs > 0;
    read->from = read->next;
    return goes_on && r->life->model->complaint[0] == '\0';
}

static bool show_channel(void *arg, const struct store_channel *channel)
{
    struct reading *r = arg;
    struct store_read read = {
        .channel = channel->id, .from = channel->floor, .end = channel->next};
    r->is_well = model_found_channel(r->life->model, channel);
    while (r->is_well && read.from < read.end)
        r->is_well = show_some(r, &read);
    if (!r->is_well && r->life->model->complaint[0] == '\0')
        (void)snprintf(r->life->model->complaint,
                       sizeof r->life->model->complaint,
                       "channel %" PRIu32 " cannot be read at %" PRIu64,
                       channel->id, read.from);
    return r->is_well;
}

bool life_compare(struct life *life)
{
    struct reading r = {life, block_of(life, READ_BYTES), true};
    model_begin(life->model);
    bool is_well = engine_visit_channels(life->engine, show_channel, &r);
    block_unref(r.block);
    return is_well && model_end(life->model);
}

/* Commands. */

bool life_open_channel(struct life *life, uint32_t name)
{
    char text[MODEL_NAME];
    struct engine_numbers numbers = engine_numbers(life->engine);
    uint64_t first = numbers.above > 0 ? numbers.above : 1;
    int length = snprintf(text, sizeof text, "q%" PRIu32, name);
    if (!engine_open_channel(life->engine, numbers.next_channel,
                             (const uint8_t *)text, (uint32_t)length, first))
        return false;
    return model_open(life->model, numbers.next_channel, name, first);
}

static uint32_t slice_room(const struct model *m, uint32_t messages,
                           bool has_text)
{
    uint32_t room = has_text ? MODEL_TEXT + SLICE_TEXT_HEAD : 0;
    for (uint32_t i = 1; i <= messages; i++)
        room += (uint32_t)frame_size(body_length(m->last_tag + i));
    return room;
}

/* A slice of messages with the next tags of the model. */
static struct slice slice_of(struct life *life, uint32_t messages,
                             bool has_text)
{
    uint64_t tag = life->model->last_tag + 1;
    struct block *b =
        block_of(life, slice_room(life->model, messages, has_text));
    uint8_t *at = b->bytes;
    if (has_text) {
        uint16_t length = (uint16_t)model_text(at, tag);
        memcpy(at + length, &length, sizeof length);
        at += length + sizeof length;
    }
    struct slice s = {.block = b,
                      .offset = (uint32_t)(at - b->bytes),
                      .messages = (uint16_t)messages,
                      .has_text = has_text};
    for (uint32_t i = 0; i < messages; i++, tag++) {
        frame_put_length(at, body_length(tag));
        body_write(at + FRAME_HEAD_BYTES, tag);
        at += frame_size(body_length(tag));
    }
    b->used = (uint32_t)(at - b->bytes);
    s.length = b->used - s.offset;
    return s;
}

bool life_put(struct life *life, struct model_channel *c, uint32_t messages,
              bool has_text)
{
    struct store_put put = {.channel = c->id,
                            .slice = slice_of(life, messages, has_text)};
    put.slice.first = c->next;
    if (!engine_put(life->engine, &put)) {
        block_unref(put.slice.block);
        return false;
    }
    life->outstanding++;
    for (uint32_t i = 0; i < messages; i++)
        (void)model_put(life->model, c, has_text);
    return true;
}

bool life_ack(struct life *life, struct model_channel *c, uint64_t first,
              uint32_t count)
{
    if (!engine_ack(life->engine, c->id, first, count))
        return false;
    model_ack(life->model, c, first, count);
    return true;
}

void life_drop(struct life *life, struct model_channel *c)
{
    (void)engine_drop_channel(life->engine, c->id);
    model_drop(life->model, c);
}

/* Steps. */

static uint64_t reap(struct life *life)
{
    struct store_put puts[REAP];
    uint64_t messages = 0;
    int n;
    while ((n = engine_reap(life->engine, puts, REAP)) > 0)
        for (int i = 0; i < n; i++) {
            const struct slice *s = &puts[i].slice;
            struct model_channel *c = model_find(life->model, puts[i].channel);
            if (c)
                model_confirm(life->model, c, s->first, s->messages);
            messages += s->messages;
            block_unref(s->block);
            life->outstanding--;
        }
    return messages;
}

uint64_t life_step(struct life *life)
{
    life->wall_ms++;
    life->state = engine_step(life->engine, life->wall_ms);
    uint64_t confirmed = reap(life);
    /* A batch holds all that was asked before it. */
    if (life->state != STORE_FAILED &&
        engine_stats(life->engine).late_acks == 0 &&
        (confirmed > 0 || engine_need(life->engine) == ENGINE_NOTHING))
        model_settle(life->model);
    return confirmed;
}

bool life_settle(struct life *life)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        if (engine_need(life->engine) == ENGINE_NOTHING)
            return true;
        (void)life_step(life);
        if (life->state == STORE_FAILED)
            return false;
    }
    return false;
}

/* The end. */

static void take_back(struct life *life)
{
    struct store_put puts[REAP];
    int n;
    while ((n = engine_take_back(life->engine, puts, REAP)) > 0)
        for (int i = 0; i < n; i++) {
            block_unref(puts[i].slice.block);
            life->outstanding--;
        }
}

static void life_fini(struct life *life)
{
    life->engine = NULL;
    if (life->outstanding > 0 || life->budget.used_bytes > 0)
        (void)snprintf(life->model->complaint, sizeof life->model->complaint,
                       "%" PRIu32 " puts were not given back",
                       life->outstanding);
    block_pool_fini(&life->pool);
}

bool life_close(struct life *life)
{
    bool is_settled = life_settle(life);
    bool has_late = engine_stats(life->engine).late_acks > 0;
    take_back(life);
    bool is_whole = engine_close(life->engine, life->wall_ms) && is_settled;
    life_fini(life);
    if (is_whole && !has_late)
        model_settle(life->model);
    return is_whole;
}

void life_abandon(struct life *life)
{
    if (!life->engine)
        return;
    (void)reap(life);
    take_back(life);
    engine_abandon(life->engine);
    life_fini(life);
}
