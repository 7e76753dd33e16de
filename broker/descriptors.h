/* SPDX-License-Identifier: MIT
 *
 * descriptors - how many connections the system allows.
 */
#ifndef SLUICE_BROKER_DESCRIPTORS_H
#define SLUICE_BROKER_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

struct sentence;

/* Raises the limit on open files as far as allowed. Sets *count to the
 * descriptors left for clients, after a reserve and, if there are enough, those
 * for `watchers`. False, with one sentence, when nothing is left for clients.
 */
bool descriptors_for_clients(uint64_t watchers, uint64_t *count,
                             struct sentence *why);

#endif
