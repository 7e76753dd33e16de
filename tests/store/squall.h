/* SPDX-License-Identifier: MIT
 *
 * squall - one thing by chance that a core asks of a store.
 */
#ifndef SLUICE_TESTS_STORE_SQUALL_H
#define SLUICE_TESTS_STORE_SQUALL_H

#include <stdbool.h>

struct storm;

/* Asks it of the life of a storm. False: the answer was wrong, and the
 * storm's complaint says why. */
bool squall(struct storm *s);

/* Acknowledges everything; whether the store then has room again. */
bool squall_drain(struct storm *s);

#endif
