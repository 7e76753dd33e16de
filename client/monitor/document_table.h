/* SPDX-License-Identifier: MIT
 *
 * document_table - a list in a broker's documents, as the page of the control
 * socket that has the same fields: so that both are listed alike.
 */
#ifndef SLUICE_CLIENT_MONITOR_DOCUMENT_TABLE_H
#define SLUICE_CLIENT_MONITOR_DOCUMENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control_table;

/* What is listed; "stats" of docs/monitoring.md has both. */
enum document_list { DOCUMENT_CHANNELS, DOCUMENT_CLIENTS };

/* Reads the text of /stats, and adds the list to a table that has no rows.
 * *unlisted is how many more there are, of which the broker says only the sum.
 * False when the text is not that, or there is no memory. */
bool document_table_add(struct control_table *t, const char *text, size_t n,
                        enum document_list list, uint64_t *unlisted);

#endif
