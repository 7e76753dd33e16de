/* SPDX-License-Identifier: MIT
 *
 * A stream, which the server keeps as it was started. Answers come in order, so
 * they need no slot. Nobody reads the stream here, which spares Redis that
 * work.
 */
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <string.h>

#define DELETE "*2\r\n$3\r\nDEL\r\n$8\r\nbench000\r\n"
#define ADD    "*5\r\n$4\r\nXADD\r\n$8\r\nbench000\r\n$1\r\n*\r\n$1\r\nb\r\n"

/* A stream of an earlier run would still hold its messages. */
static void redis_greet_publisher(int fd, unsigned publisher)
{
    if (publisher > 0)
        return;
    link_say(fd, DELETE, strlen(DELETE));
    if (!dialect_hear(fd, "\r\n"))
        link_die("redis does not answer");
}

static uint8_t *redis_put(uint8_t *out, unsigned publisher, confirmer_slot slot,
                          uint32_t size)
{
    (void)publisher;
    (void)slot;
    out += sprintf((char *)out, ADD "$%u\r\n", (unsigned)size);
    memset(out, 'x', size);
    memcpy(out + size, "\r\n", 2);
    return out + size + 2;
}

/* "$15", then the number that the message got; or an error. */
static size_t redis_hear(struct heard *heard, const uint8_t *bytes, size_t n)
{
    const uint8_t *at = bytes, *end = bytes + n, *line;
    while (at < end && (line = memchr(at, '\n', (size_t)(end - at)))) {
        heard->confirmed += *at >= '0' && *at <= '9';
        heard->refused += *at == '-';
        at = line + 1;
    }
    return (size_t)(at - bytes);
}

const struct confirmer confirmer_redis = {
    .name = "redis",
    .greet_publisher = redis_greet_publisher,
    .put = redis_put,
    .hear = redis_hear,
};
