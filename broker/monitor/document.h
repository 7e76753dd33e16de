/* SPDX-License-Identifier: MIT
 *
 * document - what the broker reports, as JSON. docs/monitoring.md describes
 * every key. The caller frees the text; it is NULL without memory.
 */
#ifndef SLUICE_MONITOR_DOCUMENT_H
#define SLUICE_MONITOR_DOCUMENT_H

#include <stdint.h>

#include "proto/span.h"

struct log_field;
struct broker_view;
struct survey_result;

/* The broker itself. */
char *document_stats(const struct broker_view *b);

/* What a survey has seen of its channels or clients. */
char *document_channels(const struct broker_view *b,
                        const struct survey_result *seen);
char *document_clients(const struct broker_view *b,
                       const struct survey_result *seen);

/* Those users that have connections, or were denied something. */
char *document_users(const struct broker_view *b,
                     const struct survey_result *seen);

/* The four above in one object. */
char *document_all(const struct broker_view *b,
                   const struct survey_result *seen);

/* An event with its fields; `missed` events of its kind were suppressed before
 * it. */
char *document_event(const struct broker_view *b, const char *event,
                     const struct log_field *fields, uint64_t seq,
                     uint64_t missed);

/* The document that goes with a tapped message of `size` bytes. `text` is that
 * of its slice: its headers as a client of version 2 sent them; "" for none. */
char *document_tap(uint64_t seq, uint64_t missed, uint64_t size,
                   struct span text);

/* Reports messages that were left out when no later message carried the count.
 */
char *document_tap_missed(uint64_t seq, uint64_t missed);

#endif
