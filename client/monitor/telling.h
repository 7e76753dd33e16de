/* SPDX-License-Identifier: MIT
 *
 * telling - what the page is told, as text: each news as a server-sent event,
 * and everything that is known as one JSON object. Described in
 * docs/monitoring.md.
 */
#ifndef SLUICE_CLIENT_MONITOR_TELLING_H
#define SLUICE_CLIENT_MONITOR_TELLING_H

#include "client/monitor/gallery.h"

#include <stdio.h>

/* "event: report": `p` has just reported `r`. */
void telling_write_report(FILE *out, const struct reporter *p,
                          const struct report *r);

/* "event: silent": `p` has just fallen silent. */
void telling_write_silent(FILE *out, const struct reporter *p);

/* Everything, as of `now_ms`. */
void telling_write_history(FILE *out, const struct gallery *g, int64_t now_ms);

#endif
