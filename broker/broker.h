/* SPDX-License-Identifier: MIT
 *
 * broker - the parts put together: main starts, runs and stops it. All state
 * hangs off it; there is no other state.
 */
#ifndef SLUICE_BROKER_BROKER_H
#define SLUICE_BROKER_BROKER_H

#include <stdbool.h>

struct arguments;
struct broker;
struct options;
struct sentence;

/* Makes a broker that listens. NULL, with one sentence, when the system
 * refuses. Takes `o` even when it fails; `a` is borrowed for the life of the
 * broker, which reads it again on SIGHUP. */
struct broker *broker_new(struct arguments *a, struct options *o,
                          struct sentence *why);

/* Runs until a signal has asked it to stop, and it has drained. False when
 * something that clients may rely on could not be written. */
bool broker_run(struct broker *b);

void broker_free(struct broker *b);

#endif
