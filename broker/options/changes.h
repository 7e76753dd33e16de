/* SPDX-License-Identifier: MIT
 *
 * changes - the differences between the options in force and those that were
 * read again.
 */
#ifndef SLUICE_OPTIONS_CHANGES_H
#define SLUICE_OPTIONS_CHANGES_H

struct log;
struct options;

/* Logs each option that differs, with both values. One that cannot change
 * while the broker runs keeps its value, which moves from `old` to `fresh`. */
void changes_apply(struct options *old, struct options *fresh, struct log *log);

#endif
