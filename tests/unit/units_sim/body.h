/* SPDX-License-Identifier: MIT
 *
 * body - what the bodies of published messages carry: which message it is, and
 * octets that follow from that; and the world's list of messages.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_BODY_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_BODY_H

#include "tests/unit/units_sim/world.h"

enum { BODY_LEAST = 4 };

/* A message that is about to be published. Returns its place in the list. */
uint32_t body_new(struct sim *sim, struct actor *a, int channel,
                  uint32_t length, bool is_request);

void body_write(const struct sim *sim, uint32_t id, uint8_t *body);

/* The message that a body is of. Fails unless each octet is right, and it was
 * published to this channel, -1: any. */
uint32_t body_read(struct sim *sim, const uint8_t *body, uint32_t length,
                   int channel);

/* A message has a number, as a receipt or a reader says: the same for all, that
 * of no other, and above that of the one before it. */
void body_number(struct sim *sim, uint32_t id, uint64_t number);

/* The message of that number, 0: not known. */
uint32_t body_of_number(const struct sim *sim, int channel, uint64_t number);

#endif
