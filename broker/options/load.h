/* SPDX-License-Identifier: MIT
 *
 * load - the options from all sources in one go: the command line beats the
 * environment, which beats the file.
 */
#ifndef SLUICE_OPTIONS_LOAD_H
#define SLUICE_OPTIONS_LOAD_H

#include "broker/options/arguments.h"

struct mistakes;
struct options;

/* Makes options of what the sources say now, to be freed with options_free;
 * a->action is what they are for. NULL when there is a mistake. */
struct options *options_load(struct arguments *a, struct mistakes *m);

void options_free(struct options *o); /* NULL is allowed */

#endif
