/* SPDX-License-Identifier: MIT
 *
 * manual - the table of options in words: for a terminal, as the reference
 * docs/options.md, and with the values that hold.
 */
#ifndef SLUICE_BROKER_MANUAL_H
#define SLUICE_BROKER_MANUAL_H

#include <stdio.h>

struct options;

void manual_help(FILE *out);

/* docs/options.md, as it is in the tree. */
void manual_reference(FILE *out);

/* All values, as a file that says the same, with the origin of each; `config`
 * is the path of the file that was read, or NULL. */
void manual_values(const struct options *o, const char *config, FILE *out);

#endif
