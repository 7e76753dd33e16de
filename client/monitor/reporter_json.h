/* SPDX-License-Identifier: MIT
 *
 * reporter_json - reporters as the page reads them. Described in
 * docs/monitoring.md.
 */
#ifndef SLUICE_CLIENT_MONITOR_REPORTER_JSON_H
#define SLUICE_CLIENT_MONITOR_REPORTER_JSON_H

#include "client/monitor/reporter.h"

/* How it is written: for json_dumps(). */
#define REPORTER_JSON (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

/* All return a new reference, or NULL when there is no memory. */

/* Its identity, and whether it still reports. */
json_t *reporter_json_head(const struct reporter *p);

/* The values of its latest stats, by series; null for what was not reported. */
json_t *reporter_json_sample(const struct reporter *p);

/* Everything that is known of it. */
json_t *reporter_json_all(const struct reporter *p);

#endif
