/* SPDX-License-Identifier: MIT
 *
 * file - the configuration file, in the form of common/ini.h:
 *
 *     [broker]
 *     memory = 512m                   ; a comment
 *
 *     [channel "/queue/jobs"]
 *     limit = 256m
 *
 * Sections and keys are those of option_table.c; those of a channel, of
 * rules.c.
 */
#ifndef SLUICE_OPTIONS_FILE_H
#define SLUICE_OPTIONS_FILE_H

#include <stdbool.h>

struct mistakes;
struct options;

/* Reads the file and sets its options. Every mistake is reported, with file,
 * line and key; false when there is one, and then `o` is of no use. */
bool file_read(const char *path, struct options *o, struct mistakes *m);

#endif
