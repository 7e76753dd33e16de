/* SPDX-License-Identifier: MIT
 *
 * report - what a survey has found, for people.
 */
#ifndef SLUICE_CLIENT_JOURNAL_REPORT_H
#define SLUICE_CLIENT_JOURNAL_REPORT_H

#include <stdio.h>

#include "client/journal/survey.h"

/* Behind the number of messages lost, when survey.may_lack_more. */
#define REPORT_PERHAPS_MORE ", and perhaps more that no file names"

/* Writes all of it: the store, its channels, its segments, what is damaged and
 * what is lost. */
void report_write(const struct survey *s, FILE *out);

/* Writes what is damaged, a line each. */
void report_write_damage(const struct survey *s, FILE *out);

/* Writes a line "LOST first last channel" for each run of messages that are in
 * no file any more; returns how many messages those are. */
uint64_t report_write_lost(const struct survey *s, FILE *out);

#endif
