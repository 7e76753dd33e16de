/* SPDX-License-Identifier: MIT
 *
 * numbering - which numbers the messages of some channels must have: the part
 * of the simulation's model that knows.
 */
#ifndef SLUICE_TESTS_UNIT_NUMBERING_H
#define SLUICE_TESTS_UNIT_NUMBERING_H

#include <stdint.h>

#include "broker/core/channel.h"

struct numbering;

/* For so many channels, none of which exists. */
struct numbering *numbering_new(int channels);

void numbering_free(struct numbering *n);

/* The body of a message: publisher, channel, number, and bytes to fill it. */
void numbering_write(uint8_t *body, uint32_t bytes, int publisher, int channel,
                     uint32_t message);

/* A publisher's message, which somebody will get, was published. */
void numbering_note(struct numbering *n, int channel, int publisher,
                    uint32_t message);

/* After a turn, for each channel, NULL when there is none; then for all. */
void numbering_check(struct numbering *n, int channel,
                     const struct channel *ch);
void numbering_check_floor(const struct numbering *n, uint64_t floor);

/* What is owed has the numbers that it was published with, and rising. The
 * body of a message begins behind its head. */
void numbering_check_backlog(const struct numbering *n, int channel,
                             const struct backlog *b, message_size_fn *size,
                             uint32_t head_bytes);

#endif
