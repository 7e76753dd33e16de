/* SPDX-License-Identifier: MIT
 *
 * environment - options from variables: SLUICE_MAX_FRAME is `max-frame`.
 * Semicolons separate the values of an option that may be repeated.
 */
#ifndef SLUICE_OPTIONS_ENVIRONMENT_H
#define SLUICE_OPTIONS_ENVIRONMENT_H

#include <stdbool.h>
#include <stdio.h>

struct mistakes;
struct option;
struct options;

enum { ENVIRONMENT_NAME_BYTES = 64 };

/* The variable of an option. */
void environment_name(const struct option *row,
                      char out[ENVIRONMENT_NAME_BYTES]);

/* Sets the options whose variables are set; false when a value is a mistake.
 * Other variables that begin with SLUICE_ are not mistakes: they may be the
 * client's, or a container engine's. */
bool environment_read(struct options *o, struct mistakes *m);

/* Writes, as comments, the names of variables that look like options and are
 * not. */
void environment_write_unknown(FILE *out);

#endif
