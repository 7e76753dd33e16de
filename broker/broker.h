/* SPDX-License-Identifier: MIT
 *
 * broker - the parts put together: what main starts, runs and stops. All
 * state hangs off it; there is none elsewhere.
 */
#ifndef SLUICE_BROKER_BROKER_H
#define SLUICE_BROKER_BROKER_H

struct arguments;
struct broker;
struct options;

enum { BROKER_ERROR_BYTES = 512 };

enum broker_start {
    BROKER_STARTED,
    BROKER_FAILED,  /* the system refused */
    BROKER_MISUSED, /* an option makes no sense */
};

/* Makes a broker that listens. On failure there is one sentence in `error`
 * and *out is NULL. Takes `o`, even when it fails; `a` is borrowed for the life
 * of the broker. */
enum broker_start broker_new(struct broker **out, struct arguments *a,
                             struct options *o, char error[BROKER_ERROR_BYTES]);

/* Runs until it has been told to stop by a signal and has drained. */
void broker_run(struct broker *b);

void broker_free(struct broker *b);

#endif
