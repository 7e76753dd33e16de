/* SPDX-License-Identifier: MIT
 *
 * monitoring - ties what watches the broker to what there is to be seen: the
 * monitor knows no sessions and no options.
 */
#ifndef SLUICE_BROKER_MONITORING_H
#define SLUICE_BROKER_MONITORING_H

#include <stdbool.h>
#include <stddef.h>

struct monitor;
struct options;
struct sessions;

/* Makes what the options ask for, if anything: *out may be NULL. False with
 * one sentence in `error` when that is not possible. */
bool monitoring_open(struct monitor **out, const struct options *o,
                     struct sessions *sessions, char *error, size_t room);

/* How many descriptors it may need. */
size_t monitoring_descriptors(const struct options *o);

#endif
