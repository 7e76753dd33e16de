/* SPDX-License-Identifier: MIT
 *
 * document - what the broker reports, as JSON. docs/monitoring.md describes
 * every key. Whoever asks frees the text; it is NULL when there is no memory.
 */
#ifndef SLUICE_MONITOR_DOCUMENT_H
#define SLUICE_MONITOR_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

struct log_field;
struct subject;

char *document_stats(const struct subject *s);

/* `marking`: what happens from now on is recent in the next one. */
char *document_channels(struct subject *s, bool marking);
char *document_clients(struct subject *s, bool marking);

/* These three in one. */
char *document_all(struct subject *s);

/* An event with the fields that the log has of it. */
char *document_event(const struct subject *s, const char *event,
                     const struct log_field *fields, uint64_t seq,
                     uint64_t missed);

/* What goes with a tapped message. */
char *document_tap(uint64_t seq, uint64_t missed, uint64_t size);

/* That messages were left out, and no other has come since. */
char *document_tap_missed(uint64_t seq, uint64_t missed);

#endif
