/* SPDX-License-Identifier: MIT
 *
 * known - the part of a document that the page reads. Anybody may send anything
 * here, and as objects it takes many times the memory of its text: so only this
 * part is kept.
 */
#ifndef SLUICE_CLIENT_MONITOR_KNOWN_H
#define SLUICE_CLIENT_MONITOR_KNOWN_H

#include <jansson.h>

/* The lists of channels or clients have no more rows. */
enum { KNOWN_ROWS_MAX = 100 };

/* A copy of the part of an object that is read of stats, of a list of channels
 * or clients, or of an event. NULL when there is no memory. */
json_t *known_stats(json_t *document);
json_t *known_channels(json_t *document);
json_t *known_clients(json_t *document);
json_t *known_users(json_t *document);
json_t *known_event(json_t *document);

#endif
