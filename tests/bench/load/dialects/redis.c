/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/dialect.h"

#include <stdio.h>
#include <string.h>

static void redis_name_channel(struct dialect_channel *c, uint32_t index)
{
    snprintf(c->name, sizeof c->name, "bench%03u", (unsigned)index);
}

static bool redis_greet_publisher(int fd)
{
    return dialect_say(fd, "PING\r\n", 6) && dialect_hear(fd, "+PONG\r\n");
}

static bool redis_greet_subscriber(int fd, const struct dialect_channel *c)
{
    char words[128];
    int n = snprintf(words, sizeof words, "SUBSCRIBE %s\r\n", c->name);
    return dialect_say(fd, words, (size_t)n) && dialect_hear(fd, ":1\r\n");
}

static size_t redis_head(uint8_t *out, const char *verb,
                         const struct dialect_channel *c, uint32_t size)
{
    return (size_t)snprintf((char *)out, DIALECT_HEAD_BYTES,
                            "*3\r\n$7\r\n%s\r\n$%zu\r\n%s\r\n$%u\r\n", verb,
                            strlen(c->name), c->name, (unsigned)size);
}

static size_t redis_publish_head(uint8_t *out, const struct dialect_channel *c,
                                 uint32_t size)
{
    return redis_head(out, "PUBLISH", c, size);
}

static size_t redis_deliver_head(uint8_t *out, const struct dialect_channel *c,
                                 uint32_t size)
{
    return redis_head(out, "message", c, size);
}

const struct dialect dialect_redis = {
    .name = "redis",
    .name_channel = redis_name_channel,
    .greet_publisher = redis_greet_publisher,
    .greet_subscriber = redis_greet_subscriber,
    .publish_head = redis_publish_head,
    .deliver_head = redis_deliver_head,
    .tail = "\r\n",
};
