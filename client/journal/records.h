/* SPDX-License-Identifier: MIT
 *
 * records - the structure of a journal's files: segments, batches, records.
 */
#ifndef SLUICE_CLIENT_JOURNAL_RECORDS_H
#define SLUICE_CLIENT_JOURNAL_RECORDS_H

#include <stdio.h>

#include "client/journal/survey.h"

/* Writes a line for each segment, batch and record that is sound, and for what
 * is damaged. */
void records_write(struct survey *s, FILE *out);

#endif
