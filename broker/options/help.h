/* SPDX-License-Identifier: MIT
 *
 * help - the table of options in words: for a terminal, as the reference
 * docs/options.md, and with the values in force.
 */
#ifndef SLUICE_OPTIONS_HELP_H
#define SLUICE_OPTIONS_HELP_H

#include <stdio.h>

struct options;

/* --help */
void help_print(FILE *out);

/* --manual: docs/options.md, as it is in the tree. */
void help_reference(FILE *out);

/* --check: all values, as a file that says the same, with the origin of each;
 * `config` is the path of the file that was read, or NULL. */
void help_values(const struct options *o, const char *config, FILE *out);

#endif
