/* SPDX-License-Identifier: MIT
 *
 * sources - all that options come from, read in one go: the command line
 * beats the environment, which beats the file.
 */
#ifndef SLUICE_OPTIONS_LOAD_H
#define SLUICE_OPTIONS_LOAD_H

#include "broker/options/arguments.h"

struct mistakes;
struct options;

/* Makes options of what the sources say now, to be freed with options_free;
 * a->action tells what for. NULL when something is wrong, which was told. */
struct options *options_load(struct arguments *a, struct mistakes *c);

void options_free(struct options *o); /* NULL is allowed */

#endif
