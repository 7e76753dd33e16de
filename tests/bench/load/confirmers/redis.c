/* SPDX-License-Identifier: MIT
 *
 * A stream, which the server keeps as it was started. Answers come in order, so
 * they need no slot. Nobody reads the stream, which spares Redis that work; or
 * a consumer of a group does, and acknowledges and deletes what it has read,
 * many at once, and then asks for more. Its replies are read when they have
 * come wholly:
 *
 *     *1 *2 $8 bench000 *messages  (*2 $15 number *2 $1 b $size body) ...
 */
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "$8\r\nbench000\r\n"
#define GROUP  "$1\r\ng\r\n"
#define DELETE "*2\r\n$3\r\nDEL\r\n" STREAM
#define ADD    "*5\r\n$4\r\nXADD\r\n" STREAM "$1\r\n*\r\n$1\r\nb\r\n"
#define CREATE                                                                 \
    "*6\r\n$6\r\nXGROUP\r\n$6\r\nCREATE\r\n" STREAM GROUP                      \
    "$1\r\n$\r\n$8\r\nMKSTREAM\r\n"
#define READ                                                                   \
    "*11\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n" GROUP "$1\r\nc\r\n"          \
    "$5\r\nCOUNT\r\n$3\r\n500\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n"                   \
    "$7\r\nSTREAMS\r\n" STREAM "$1\r\n>\r\n"

enum { REDIS_DECIMAL = 10 };

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

/* With a consumer. */

/* The first one makes the group, all are one consumer of it. */
static void redis_work_greet_reader(int fd, unsigned reader)
{
    if (reader == 0) {
        link_say(fd, DELETE, strlen(DELETE));
        if (!dialect_hear(fd, "\r\n"))
            link_die("redis does not answer");
        link_say(fd, CREATE, strlen(CREATE));
        if (!dialect_hear(fd, "+OK\r\n"))
            link_die("redis makes no group");
    }
    link_say(fd, READ, strlen(READ));
}

static void redis_work_greet_publisher(int fd, unsigned publisher)
{
    (void)fd;
    (void)publisher;
}

/* The number of a line "$15"; *at moves behind the line. It is there. */
static long redis_number(const uint8_t **at)
{
    char *end;
    long number = strtol((const char *)*at + 1, &end, REDIS_DECIMAL);
    *at = (const uint8_t *)end + 2;
    return number;
}

/* The end of a reply; NULL when it has not wholly come. */
static const uint8_t *redis_end(const uint8_t *at, const uint8_t *end)
{
    long left = 1;
    while (left-- > 0) {
        if (at >= end || !memchr(at, '\n', (size_t)(end - at)))
            return NULL;
        uint8_t kind = *at;
        if (kind == ':' || kind == '-' || kind == '+') {
            at = (const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;
            continue;
        }
        long number = redis_number(&at);
        if (kind == '*')
            left += number > 0 ? number : 0;
        else if (number >= 0)
            at += number + 2;
    }
    return at <= end ? at : NULL;
}

static void redis_answer(struct heard *heard, const void *bytes, size_t n)
{
    memcpy(heard->answers + heard->answers_bytes, bytes, n);
    heard->answers_bytes += n;
}

/* Acknowledges the messages of a reply, or deletes them. */
static void redis_done(struct heard *heard, const uint8_t *at,
                       const uint8_t *end, long messages, const char *verb,
                       const char *group)
{
    char words[CONFIRMER_EXTRA_BYTES];
    int n = snprintf(words, sizeof words, "*%ld\r\n$4\r\n%s\r\n" STREAM "%s",
                     messages + (*group ? 3 : 2), verb, group);
    redis_answer(heard, words, (size_t)n);
    for (long i = 0; i < messages; i++) {
        const uint8_t *number = at + strlen("*2\r\n");
        const uint8_t *behind = redis_end(number, end);
        redis_answer(heard, number, (size_t)(behind - number));
        at = redis_end(at, end);
    }
}

static void redis_take(struct heard *heard, const uint8_t *at,
                       const uint8_t *end)
{
    at += strlen("*1\r\n*2\r\n" STREAM);
    long messages = redis_number(&at);
    heard->messages += (uint64_t)messages;
    redis_done(heard, at, end, messages, "XACK", GROUP);
    redis_done(heard, at, end, messages, "XDEL", "");
    redis_answer(heard, READ, strlen(READ));
}

/* Of a publisher the numbers that its messages got, of the consumer messages
 * and how many were acknowledged. */
static size_t redis_work_hear(struct heard *heard, const uint8_t *bytes,
                              size_t n)
{
    const uint8_t *at = bytes, *end = bytes + n, *next;
    for (; (next = redis_end(at, end)) != NULL; at = next) {
        heard->confirmed += *at == '$';
        heard->refused += *at == '-';
        if (*at == '*')
            redis_take(heard, at, next);
    }
    return (size_t)(at - bytes);
}

const struct confirmer confirmer_redis_work = {
    .name = "redis-work",
    .greet_publisher = redis_work_greet_publisher,
    .greet_reader = redis_work_greet_reader,
    .put = redis_put,
    .hear = redis_work_hear,
};
