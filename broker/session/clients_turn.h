/* SPDX-License-Identifier: MIT
 *
 * clients_turn - the end of a turn of the loop: what was read is delivered, and
 * waiting sessions resume. Only this file runs the core's turns and timers.
 */
#ifndef SLUICE_SESSION_CLIENTS_TURN_H
#define SLUICE_SESSION_CLIENTS_TURN_H

#include <stdbool.h>

struct clients;
struct core_owner;

/* The process or its machine stood still if the timer comes so late. */
enum { CLIENTS_TURN_STALL_MS = 1000 };

/* For clients.c. False when there is no memory. */
bool clients_turn_init(struct clients *all);
void clients_turn_fini(struct clients *all);

/* What the core calls to reach its clients. */
struct core_owner clients_turn_core_owner(struct clients *all);

/* For reactor_run: `arg` is the clients. */
bool clients_turn_end(void *arg);

/* Delivers now what was read, without ending the turn. */
void clients_turn_deliver(struct clients *all);

#endif
