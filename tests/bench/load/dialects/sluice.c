/* SPDX-License-Identifier: MIT
 *
 * What sluiced and the book's broker speak; and the relay, which passes on
 * what was published as it was.
 */
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "tests/bench/load/dialect.h"

#include <stdio.h>

static void sluice_name_channel(struct dialect_channel *c, uint32_t index)
{
    snprintf(c->name, sizeof c->name, "/%s/bench%03u",
             c->is_queue ? "queue" : "topic", (unsigned)index);
}

static bool sluice_hello(int fd, const char *name)
{
    uint8_t hello[FRAME_HEAD_BYTES + CHANNEL_NAME_MAX];
    const uint8_t *end = frame_put(hello, name, (uint32_t)strlen(name));
    return dialect_say(fd, hello, (size_t)(end - hello));
}

static bool sluice_greet_publisher(int fd)
{
    return sluice_hello(fd, CHANNEL_NAME_NULL);
}

static bool sluice_greet_subscriber(int fd, const struct dialect_channel *c)
{
    return sluice_hello(fd, c->name);
}

static size_t sluice_deliver_head(uint8_t *out, const struct dialect_channel *c,
                                  uint32_t size)
{
    (void)c;
    frame_put_length(out, size);
    return FRAME_HEAD_BYTES;
}

static size_t sluice_publish_head(uint8_t *out, const struct dialect_channel *c,
                                  uint32_t size)
{
    uint8_t *end = frame_put(out, c->name, (uint32_t)strlen(c->name));
    return (size_t)(end - out) + sluice_deliver_head(end, c, size);
}

const struct dialect dialect_sluice = {
    .name = "sluice",
    .name_channel = sluice_name_channel,
    .greet_publisher = sluice_greet_publisher,
    .greet_subscriber = sluice_greet_subscriber,
    .publish_head = sluice_publish_head,
    .deliver_head = sluice_deliver_head,
    .tail = "",
    .is_silent = true,
};

const struct dialect dialect_relay = {
    .name = "relay",
    .name_channel = sluice_name_channel,
    .greet_publisher = sluice_greet_publisher,
    .greet_subscriber = sluice_greet_subscriber,
    .publish_head = sluice_publish_head,
    .deliver_head = sluice_publish_head,
    .tail = "",
    .is_silent = true,
};
