/* SPDX-License-Identifier: MIT
 *
 * configure - what the options mean for the parts of the broker. Values that do
 * not fit together are lowered, with a warning in the log.
 */
#ifndef SLUICE_BROKER_CONFIGURE_H
#define SLUICE_BROKER_CONFIGURE_H

#include <stdint.h>

#include "broker/core/core_config.h"
#include "broker/session/clients.h"

struct log;
struct options;

/* Hides the memory of a broker that has secrets, before it reads them: digests
 * and hashes of users, and what these show; a key for TLS; one for the feed. */
void configure_secrecy(const struct options *o);

/* Borrows the rules of `o`. */
struct core_config configure_core(const struct options *o);

/* Lowers max-frame to what memory allows, with a warning in `log`. */
struct clients_config configure_clients(const struct options *o,
                                        struct log *log);

/* How many connections there may be. */
struct connection_limits {
    uint32_t bound; /* --max-connections */
    uint32_t most;  /* with the reserve for those that are new; guest.h */
};

/* `possible` is the number that the system allows, at least 1. */
struct connection_limits configure_connections(const struct options *o,
                                               uint64_t possible,
                                               struct log *log);

#endif
