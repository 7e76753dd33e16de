/* SPDX-License-Identifier: MIT
 *
 * Version 2 with a receipt for each message: the slot is the request id. Of a
 * durable queue, which nobody reads here, the receipt comes from the disk.
 */
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/unit_text.h"

#include <stdio.h>

#define TOPIC "/topic/bench000"
#define QUEUE "/queue/bench000"

static void sluice_greet_reader(int fd, unsigned reader)
{
    (void)reader;
    unit_text_open(fd);
    unit_text_ask(fd, "SUB " TOPIC " rid=1", "OK rid=1");
}

static void sluice_greet_publisher(int fd, unsigned publisher)
{
    (void)publisher;
    unit_text_open(fd);
}

static uint8_t *durable_put(uint8_t *out, unsigned publisher,
                            confirmer_slot slot, uint32_t size)
{
    char head[CONFIRMER_EXTRA_BYTES];
    (void)publisher;
    snprintf(head, sizeof head, "PUB " QUEUE " rid=%06u confirm=sync",
             (unsigned)slot);
    return unit_text_put(out, head, size);
}

static uint8_t *sluice_put(uint8_t *out, unsigned publisher,
                           confirmer_slot slot, uint32_t size)
{
    char head[CONFIRMER_EXTRA_BYTES];
    (void)publisher;
    snprintf(head, sizeof head, "PUB " TOPIC " rid=%06u", (unsigned)slot);
    return unit_text_put(out, head, size);
}

static size_t sluice_hear(struct heard *heard, const uint8_t *bytes, size_t n)
{
    struct unit_text unit;
    size_t at = 0;
    for (; unit_text_read(&unit, bytes + at, n - at); at += unit.bytes) {
        heard->confirmed += unit.head[0] == 'O';
        heard->messages += unit.head[0] == 'M';
        heard->refused += unit.head[0] == 'E';
    }
    return at;
}

const struct confirmer confirmer_sluice = {
    .name = "sluice",
    .greet_publisher = sluice_greet_publisher,
    .greet_reader = sluice_greet_reader,
    .put = sluice_put,
    .hear = sluice_hear,
};

const struct confirmer confirmer_durable = {
    .name = "durable",
    .greet_publisher = sluice_greet_publisher,
    .put = durable_put,
    .hear = sluice_hear,
};
