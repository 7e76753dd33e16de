/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/tls.h"

#include <stdio.h>
#include <string.h>

#define NATS_CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

static void nats_name_channel(struct dialect_channel *c, uint32_t index)
{
    snprintf(c->name, sizeof c->name, "bench%03u", (unsigned)index);
}

/* The answer to a PING comes after everything before it has been done. */
static bool nats_greet(int fd, const char *words)
{
    if (!dialect_hear(fd, "\r\n"))
        return false;
    tls_secure(fd);
    return dialect_say(fd, words, strlen(words)) &&
           dialect_hear(fd, "PONG\r\n");
}

static bool nats_greet_publisher(int fd)
{
    return nats_greet(fd, NATS_CONNECT "PING\r\n");
}

static bool nats_greet_subscriber(int fd, const struct dialect_channel *c)
{
    char words[256];
    snprintf(words, sizeof words, NATS_CONNECT "SUB %s%s 1\r\nPING\r\n",
             c->name, c->is_queue ? " workers" : "");
    return nats_greet(fd, words);
}

static size_t nats_publish_head(uint8_t *out, const struct dialect_channel *c,
                                uint32_t size)
{
    return (size_t)snprintf((char *)out, DIALECT_HEAD_BYTES, "PUB %s %u\r\n",
                            c->name, (unsigned)size);
}

static size_t nats_deliver_head(uint8_t *out, const struct dialect_channel *c,
                                uint32_t size)
{
    return (size_t)snprintf((char *)out, DIALECT_HEAD_BYTES, "MSG %s 1 %u\r\n",
                            c->name, (unsigned)size);
}

const struct dialect dialect_nats = {
    .name = "nats",
    .name_channel = nats_name_channel,
    .greet_publisher = nats_greet_publisher,
    .greet_subscriber = nats_greet_subscriber,
    .publish_head = nats_publish_head,
    .deliver_head = nats_deliver_head,
    .tail = "\r\n",
    .is_secured_late = true,
};
