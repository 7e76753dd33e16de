/* SPDX-License-Identifier: MIT
 *
 * reload - what is different between the options that hold and those that were
 * read anew.
 */
#ifndef SLUICE_OPTIONS_CHANGES_H
#define SLUICE_OPTIONS_CHANGES_H

#include <stdbool.h>

struct log;
struct options;

/* What cannot change while the broker runs is moved from `old` to `fresh`;
 * each difference that is lost so is logged. */
void changes_keep_fixed(struct options *old, struct options *fresh,
                        struct log *log);

/* Logs, in one line, every option that is different, with both values. */
void changes_log(const struct options *old, const struct options *fresh,
                 struct log *log);

#endif
