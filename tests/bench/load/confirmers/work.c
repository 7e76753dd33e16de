/* SPDX-License-Identifier: MIT
 *
 * A queue of version 2, whose worker acknowledges each message. The publisher
 * wants no receipts; or the queue is durable, and it wants those from the disk.
 */
#include "proto/frame.h"
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/unit_text.h"

#include <stdio.h>
#include <string.h>

#define QUEUE "/queue/bench000"

static void work_greet_reader(int fd, unsigned reader)
{
    (void)reader;
    unit_text_open(fd);
    unit_text_ask(fd, "SUB " QUEUE " ack=yes credit=65535 rid=1", "OK rid=1");
}

static void work_greet_publisher(int fd, unsigned publisher)
{
    (void)publisher;
    unit_text_open(fd);
}

static uint8_t *work_put(uint8_t *out, unsigned publisher, confirmer_slot slot,
                         uint32_t size)
{
    (void)publisher;
    (void)slot;
    return unit_text_put(out, "PUB " QUEUE, size);
}

/* The head of the message with another verb: it has no options when it comes
 * for the first time. */
static void work_acknowledge(struct heard *heard, const struct unit_text *unit)
{
    uint8_t *at = heard->answers + heard->answers_bytes;
    uint8_t *end = frame_put(at, unit->head, unit->head_length);
    memcpy(at + FRAME_HEAD_BYTES, "ACK", 3);
    end = frame_put(end, NULL, 0);
    heard->answers_bytes += (size_t)(end - at);
    heard->messages++;
}

static size_t work_hear(struct heard *heard, const uint8_t *bytes, size_t n)
{
    struct unit_text unit;
    size_t at = 0;
    for (; unit_text_read(&unit, bytes + at, n - at); at += unit.bytes) {
        if (unit.head[0] == 'M')
            work_acknowledge(heard, &unit);
        heard->confirmed += unit.head[0] == 'O';
        heard->refused += unit.head[0] == 'E';
    }
    return at;
}

static uint8_t *durable_work_put(uint8_t *out, unsigned publisher,
                                 confirmer_slot slot, uint32_t size)
{
    char head[CONFIRMER_EXTRA_BYTES];
    (void)publisher;
    snprintf(head, sizeof head, "PUB " QUEUE " rid=%06u confirm=sync",
             (unsigned)slot);
    return unit_text_put(out, head, size);
}

const struct confirmer confirmer_durable_work = {
    .name = "durable-work",
    .greet_publisher = work_greet_publisher,
    .greet_reader = work_greet_reader,
    .put = durable_work_put,
    .hear = work_hear,
};

const struct confirmer confirmer_work = {
    .name = "work",
    .greet_publisher = work_greet_publisher,
    .greet_reader = work_greet_reader,
    .is_silent = true,
    .put = work_put,
    .hear = work_hear,
};
