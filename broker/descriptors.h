/* SPDX-License-Identifier: MIT
 *
 * descriptors - how many connections the system allows.
 */
#ifndef SLUICE_BROKER_DESCRIPTORS_H
#define SLUICE_BROKER_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raises the limit on open files as far as it may be, and leaves a reserve.
 * False, with one sentence, when nothing is left for clients. */
bool descriptors_for_clients(uint64_t *count, char *error, size_t room);

#endif
