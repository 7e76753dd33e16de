/* SPDX-License-Identifier: MIT
 *
 * hear - what the broker writes to a client, from octets to the model that it
 * concerns. It is seen when it is written, whatever the client has read so far.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_HEAR_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_HEAR_H

#include <stddef.h>
#include <stdint.h>

/* For virtual_begin(); `arg` is the sim. */
void hear_written(void *arg, int wire, const uint8_t *bytes, size_t n);
void hear_closed(void *arg, int wire);

#endif
