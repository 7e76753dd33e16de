/* SPDX-License-Identifier: MIT
 *
 * journal_options - what must be true of the options for durable queues
 * together, and where a mistake in one of them was made. They do not look into
 * the folder: journal_folder.h does.
 */
#ifndef SLUICE_OPTIONS_JOURNAL_OPTIONS_H
#define SLUICE_OPTIONS_JOURNAL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct mistakes;
struct options;

/* False, with mistakes at the places where the values are given, when a rule
 * makes queues durable and there is no journal, or the sizes do not fit each
 * other. `config` is the file; NULL when there is none. */
bool journal_options_check(const struct options *o, const char *config,
                           struct mistakes *m);

/* Reports that the folder of the journal, which is given, cannot be used, at
 * the place where it is given. Always false. */
bool journal_options_reject(const struct options *o, const char *config,
                            const char *why, struct mistakes *m);

/* Writes a comment for each rule that makes only topics durable, which has no
 * effect, or whose limit is above that of the journal. */
void journal_options_write_comments(const struct options *o, FILE *out);

#endif
