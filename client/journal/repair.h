/* SPDX-License-Identifier: MIT
 *
 * repair - makes a damaged journal one that a broker opens: what can be read of
 * the damaged segments is copied into a new one, which says what there is, and
 * their files are moved to the folder damaged/. What is lost counts as done.
 */
#ifndef SLUICE_CLIENT_JOURNAL_REPAIR_H
#define SLUICE_CLIENT_JOURNAL_REPAIR_H

#include <stdbool.h>

#include "client/journal/survey.h"

/* Repairs a journal that was surveyed with its lock. A kill in the middle
 * leaves it as it was, or repaired. False, with a sentence, when that fails. */
bool repair(struct survey *s, struct sentence *why);

#endif
