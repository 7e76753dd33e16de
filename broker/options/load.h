/* SPDX-License-Identifier: MIT
 *
 * load - the options from all sources in one go: the command line beats the
 * environment, which beats the file.
 */
#ifndef SLUICE_OPTIONS_LOAD_H
#define SLUICE_OPTIONS_LOAD_H

#include "broker/options/arguments.h"

struct log;
struct mistakes;
struct options;

/* Builds the options from the sources as they are now; the caller frees them
 * with options_free. a->action is their purpose. NULL when there is a
 * mistake. */
struct options *options_load(struct arguments *a, struct mistakes *m);

/* The same while the broker runs with `old`. What cannot change then stays as
 * it is: these values are exchanged between the two, which changes_swap_fixed()
 * takes back; if others are asked for, that is logged. NULL, with nothing
 * exchanged, when there is a mistake, also one that comes of what stays. */
struct options *options_reload(struct arguments *a, struct options *old,
                               struct log *log, struct mistakes *m);

void options_free(struct options *o); /* NULL is allowed */

#endif
