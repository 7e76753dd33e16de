/* SPDX-License-Identifier: MIT
 *
 * log_line - how an event becomes a line of text, in one of two formats:
 *
 *     2026-01-31T12:00:00.123Z warning event=closed conn=41 peer=127.0.0.1:7
 *     {"time":"2026-01-31T12:00:00.123Z","level":"warning","event":"closed",
 *      "conn":41,"peer":"127.0.0.1:7"}           (in one line)
 *
 * Bytes that could confuse a terminal or grep are written as \xNN, in
 * both formats.
 */
#ifndef SLUICE_BASE_LOG_LINE_H
#define SLUICE_BASE_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/log_field.h"

enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

extern const char *const log_format_names[]; /* NULL at the end */

enum { LOG_LINE_BYTES = 4096 }; /* longer lines are cut; PIPE_BUF of Linux */

struct log_line {
    size_t n;
    char text[LOG_LINE_BYTES + 1];
};

/* Adds to `line`, which may hold a prefix already, an event and its newline. A
 * line that is too long is cut: text anywhere, JSON before a field. */
void log_line_add(struct log_line *line, enum log_format format,
                  enum log_level level, const char *event,
                  const struct log_field *fields, uint64_t suppressed);

#endif
