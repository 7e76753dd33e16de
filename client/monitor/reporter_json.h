/* SPDX-License-Identifier: MIT
 *
 * reporter_json - reporters as the page reads them. Described in
 * docs/monitoring.md.
 */
#ifndef SLUICE_CLIENT_MONITOR_REPORTER_JSON_H
#define SLUICE_CLIENT_MONITOR_REPORTER_JSON_H

#include "client/monitor/reporter.h"

#include <stdbool.h>
#include <stdio.h>

/* The first two return a new reference, or NULL when there is no memory. */

/* Its identity, and whether it still reports. */
json_t *reporter_json_head(const struct reporter *p);

/* The values of its latest stats, by series; null for what was not reported. */
json_t *reporter_json_sample(const struct reporter *p);

/* Writes everything that is known of it, as an object. False, with a part of it
 * written, when there is no memory. */
bool reporter_json_write(const struct reporter *p, FILE *out);

#endif
