/* SPDX-License-Identifier: MIT
 *
 * JetStream: a stream in memory, or in a file, takes what is published to its
 * subject and answers to the reply address. The reader subscribes to the
 * subject itself, which costs the server less than a consumer of the stream;
 * that in a file has none.
 */
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define SUBJECT "confirmed"
#define INBOX   "_INBOX.bench."
#define STREAM(storage)                                                        \
    "{\"name\":\"BENCH\",\"subjects\":[\"confirmed\"],\"storage\":\"" storage  \
    "\"}"
#define CALL(api)    "PUB $JS.API.STREAM." api ".BENCH " INBOX "000.000000 "
#define LINE_BYTES   256
#define NUMBER_BYTES 10

static void nats_say(int fd, const char *words, const char *answer)
{
    link_say(fd, words, strlen(words));
    if (!dialect_hear(fd, answer))
        link_die(words);
}

/* A stream of an earlier run would still hold its messages. */
static void nats_begin(int fd, unsigned publisher, const char *stream)
{
    char words[LINE_BYTES];
    nats_say(fd, "", "\r\n");
    snprintf(words, sizeof words, CONNECT "SUB " INBOX "%03u.* 1\r\nPING\r\n",
             publisher);
    nats_say(fd, words, "PONG\r\n");
    if (publisher > 0)
        return;
    nats_say(fd, CALL("DELETE") "0\r\n\r\n", "}\r\n");
    snprintf(words, sizeof words, CALL("CREATE") "%zu\r\n%s\r\n",
             strlen(stream), stream);
    nats_say(fd, words, "}\r\n");
}

static void nats_greet_publisher(int fd, unsigned publisher)
{
    nats_begin(fd, publisher, STREAM("memory"));
}

static void nats_file_greet_publisher(int fd, unsigned publisher)
{
    nats_begin(fd, publisher, STREAM("file"));
}

static void nats_greet_reader(int fd, unsigned reader)
{
    (void)reader;
    nats_say(fd, "", "\r\n");
    nats_say(fd, CONNECT "SUB " SUBJECT " 2\r\nPING\r\n", "PONG\r\n");
}

static uint8_t *nats_put(uint8_t *out, unsigned publisher, confirmer_slot slot,
                         uint32_t size)
{
    out += sprintf((char *)out, "PUB " SUBJECT " " INBOX "%03u.%06u %u\r\n",
                   publisher, (unsigned)slot, (unsigned)size);
    memset(out, 'x', size);
    memcpy(out + size, "\r\n", 2);
    return out + size + 2;
}

/* The number that ends at `end`. */
static size_t nats_number(const uint8_t *end)
{
    size_t number = 0, place = 1;
    while (*--end != ' ') {
        number += (size_t)(*end - '0') * place;
        place *= NUMBER_BYTES;
    }
    return number;
}

/* A message is a line that ends with its length, and a body; other lines have
 * no body. What was confirmed has no error in it. */
static size_t nats_hear(struct heard *heard, const uint8_t *bytes, size_t n)
{
    static const char confirmed[] = "{\"stream\"";
    const uint8_t *at = bytes, *end = bytes + n, *line;
    while (at < end && (line = memchr(at, '\n', (size_t)(end - at)))) {
        const uint8_t *body = line + 1;
        if (*at != 'M') {
            heard->refused += *at == '-';
            at = body;
            continue;
        }
        size_t size = nats_number(line - 1);
        if ((size_t)(end - body) < size + 2)
            break;
        bool is_answer = at[strlen("MSG ")] == '_';
        bool is_good = size >= sizeof confirmed &&
                       memcmp(body, confirmed, sizeof confirmed - 1) == 0;
        heard->messages += !is_answer;
        heard->confirmed += is_answer && is_good;
        heard->refused += is_answer && !is_good;
        at = body + size + 2;
    }
    return (size_t)(at - bytes);
}

const struct confirmer confirmer_nats_file = {
    .name = "nats-file",
    .greet_publisher = nats_file_greet_publisher,
    .put = nats_put,
    .hear = nats_hear,
};

const struct confirmer confirmer_nats = {
    .name = "nats",
    .greet_publisher = nats_greet_publisher,
    .greet_reader = nats_greet_reader,
    .put = nats_put,
    .hear = nats_hear,
};
