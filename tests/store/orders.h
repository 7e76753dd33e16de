/* SPDX-License-Identifier: MIT
 *
 * orders - what tests ask of an engine, one function for each kind of order.
 * They return what engine_take() does.
 */
#ifndef SLUICE_TESTS_STORE_ORDERS_H
#define SLUICE_TESTS_STORE_ORDERS_H

#include <stdlib.h>
#include <string.h>

#include "broker/store/engine.h"

/* Copies the name. */
static inline bool engine_open_channel(struct engine *e, uint32_t id,
                                       const void *name, uint32_t length,
                                       uint64_t first)
{
    struct order order = {.kind = ORDER_OPEN,
                          .channel = id,
                          .first = first,
                          .name = malloc(length),
                          .name_length = length};
    if (!order.name)
        abort();
    memcpy(order.name, name, length);
    bool is_taken = engine_take(e, &order);
    if (!is_taken)
        free(order.name);
    return is_taken;
}

static inline bool engine_drop_channel(struct engine *e, uint32_t id)
{
    return engine_take(e, &(struct order){.kind = ORDER_DROP, .channel = id});
}

static inline bool engine_put(struct engine *e, const struct store_put *put)
{
    return engine_take(e, &(struct order){.kind = ORDER_PUT, .put = *put});
}

static inline bool engine_ack(struct engine *e, uint32_t id, uint64_t first,
                              uint32_t count)
{
    return engine_take(e, &(struct order){.kind = ORDER_ACK,
                                          .channel = id,
                                          .count = count,
                                          .first = first});
}

static inline bool engine_read(struct engine *e, struct store_read *read)
{
    return engine_take(e, &(struct order){.kind = ORDER_READ, .read = read});
}

/* Finishes, and closes it. */
static inline bool engine_close(struct engine *e, uint64_t wall_ms)
{
    bool is_done = engine_finish(e, wall_ms);
    engine_abandon(e);
    return is_done;
}

#endif
