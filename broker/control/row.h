/* SPDX-License-Identifier: MIT
 *
 * row - a channel or a client as a line of fields with tabs in between. Names
 * are percent-encoded as in documents, so that no field holds a tab.
 */
#ifndef SLUICE_CONTROL_ROW_H
#define SLUICE_CONTROL_ROW_H

#include <stdio.h>

struct view;

struct row_kind;

extern const struct row_kind row_of_channel;
extern const struct row_kind row_of_client;

/* The names of the fields, as the first line. */
void row_write_names(const struct row_kind *kind, FILE *out);

/* The fields of a channel or client, as one line. */
void row_write(const struct row_kind *kind, const struct view *v, FILE *out);

#endif
