/* SPDX-License-Identifier: MIT
 *
 * sse - the server-sent events of /feed, as text. Described in
 * docs/monitoring.md.
 */
#ifndef SLUICE_CLIENT_MONITOR_SSE_H
#define SLUICE_CLIENT_MONITOR_SSE_H

#include "client/monitor/reporter.h"

#include <stdint.h>

/* All return a text that the caller frees, or NULL when there is no memory. */

/* "event: report": `p` has just reported `r`. */
char *sse_report(const struct reporter *p, const struct report *r);

/* "event: silent": `p` has just fallen silent. */
char *sse_silent(const struct reporter *p);

/* "event: missed": so many events did not fit. */
char *sse_missed(uint64_t events);

#endif
