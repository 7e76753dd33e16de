/* SPDX-License-Identifier: MIT
 *
 * Jobs of one tube, which nobody reserves here. Answers come in order, so they
 * need no slot.
 */
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <string.h>

#define USE "use bench000\r\n"

static void beanstalkd_greet_publisher(int fd, unsigned publisher)
{
    (void)publisher;
    link_say(fd, USE, strlen(USE));
    if (!dialect_hear(fd, "\r\n"))
        link_die("beanstalkd does not answer");
}

static uint8_t *beanstalkd_put(uint8_t *out, unsigned publisher,
                               confirmer_slot slot, uint32_t size)
{
    (void)publisher;
    (void)slot;
    out += sprintf((char *)out, "put 0 0 60 %u\r\n", (unsigned)size);
    memset(out, 'x', size);
    memcpy(out + size, "\r\n", 2);
    return out + size + 2;
}

/* A line for each job: "INSERTED 5", or why not. */
static size_t beanstalkd_hear(struct heard *heard, const uint8_t *bytes,
                              size_t n)
{
    const uint8_t *at = bytes, *end = bytes + n, *line;
    while (at < end && (line = memchr(at, '\n', (size_t)(end - at)))) {
        bool is_good = *at == 'I';
        heard->confirmed += is_good;
        heard->refused += !is_good;
        at = line + 1;
    }
    return (size_t)(at - bytes);
}

const struct confirmer confirmer_beanstalkd = {
    .name = "beanstalkd",
    .greet_publisher = beanstalkd_greet_publisher,
    .put = beanstalkd_put,
    .hear = beanstalkd_hear,
};
