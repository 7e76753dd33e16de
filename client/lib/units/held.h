/* SPDX-License-Identifier: MIT
 *
 * held - the channels that the broker holds back: HOLD came, and GO not yet. A
 * handful at most; beyond the bound the broker's own back-pressure remains.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_HELD_H
#define SLUICE_CLIENT_LIB_UNITS_HELD_H

#include "client/sluice.h"

enum { SLUICE_HELD_MAX = 1024 };

struct sluice_held_channel;

struct sluice_held {
    struct sluice_held_channel *first; /* NULL: none */
    uint32_t count;
};

/* None is held any more. */
void sluice_held_clear(struct sluice_held *held);

/* HOLD and GO. Without memory a channel is not held. */
void sluice_held_add(struct sluice_held *held, struct sluice_bytes channel);
void sluice_held_remove(struct sluice_held *held, struct sluice_bytes channel);

/* Whether it is held. */
bool sluice_held_has(const struct sluice_held *held,
                     struct sluice_bytes channel);

#endif
