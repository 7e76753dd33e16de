/* SPDX-License-Identifier: MIT
 *
 * changes - the differences between the options in force and those that were
 * read again.
 */
#ifndef SLUICE_OPTIONS_CHANGES_H
#define SLUICE_OPTIONS_CHANGES_H

struct log;
struct options;

/* Logs each option that differs, with both values, but for those that cannot
 * change while the broker runs. */
void changes_log(const struct options *old, const struct options *fresh,
                 struct log *log);

/* Logs those, as refused. */
void changes_log_kept(const struct options *old, const struct options *fresh,
                      struct log *log);

/* Exchanges their values. */
void changes_swap_fixed(struct options *old, struct options *fresh);

#endif
