/* SPDX-License-Identifier: MIT
 *
 * environment - options from variables: SLUICE_MAX_FRAME is `max-frame`. What
 * may be repeated is separated by semicolons.
 */
#ifndef SLUICE_OPTIONS_ENVIRONMENT_H
#define SLUICE_OPTIONS_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct mistakes;
struct option;
struct options;

enum { ENVIRONMENT_NAME_BYTES = 64 };

void environment_name(const struct option *row,
                      char out[ENVIRONMENT_NAME_BYTES]);

/* Writes, as comments, the names of variables that look like options and are
 * none. They may be somebody else's, so they are no mistakes. */
void environment_tell_unknown(FILE *out);

/* Tells of every variable that is wrong. Others that begin with SLUICE_ are
 * not looked at: they may be the client's, or a container engine's. */
bool environment_read(struct options *o, struct mistakes *c);

#endif
