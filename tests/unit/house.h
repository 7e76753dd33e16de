/* SPDX-License-Identifier: MIT
 *
 * house - everything of the broker but its listeners and its options, in one
 * process with its clients, which are at the other ends of socket pairs. It is
 * run turn by turn.
 */
#ifndef SLUICE_TESTS_UNIT_HOUSE_H
#define SLUICE_TESTS_UNIT_HOUSE_H

#include <stdint.h>

#include "broker/core/core.h"
#include "broker/core/rule.h"
#include "broker/session/clients.h"

enum { /* small, so that clients reach them soon */
       HOUSE_MAX_FRAME = 100000,
       HOUSE_CLIENT_LIMIT = 8000,
       HOUSE_QUEUE_LIMIT = 8000,
       HOUSE_PREFETCH = 1000,
       HOUSE_RULES = 4,
       HOUSE_SOCKET_BYTES = 4608, /* what a socket to a client buffers, about */
};

struct house {
    struct reactor *reactor;
    struct core core;
    struct rule rules[HOUSE_RULES]; /* one topic for each policy, in house.c */
    struct clients clients;
    struct counters counters;
    struct budget budget;
    struct log log;
};

/* Logs everything to `log_fd`. False when the system refuses. */
bool house_open(struct house *h, int log_fd);

/* Closes what is left; then h->budget.used_bytes is 0, or something leaked. */
void house_close(struct house *h);

/* A new client's end, non-blocking; -1 when the system refuses. */
int house_connect(struct house *h);

void house_turn(struct house *h);

static inline uint64_t house_count(const struct house *h, enum counter_id id)
{
    return h->counters.value[id];
}

#endif
