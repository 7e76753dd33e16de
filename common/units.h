/* SPDX-License-Identifier: MIT
 *
 * units - sizes, durations and counts as they are written in the options of
 * both programs. A value that is empty, negative, out of range or followed by
 * anything else is refused; the result is then left unchanged.
 */
#ifndef SLUICE_COMMON_UNITS_H
#define SLUICE_COMMON_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_BYTES = 24 }; /* room for any value as text */

/* What a refused value should have looked like, for error sentences. */
#define UNITS_SIZE_FORM     "a size such as 4096, 64k, 16m or 1g"
#define UNITS_DURATION_FORM "a duration such as 250ms, 5s, 2m or 0.5"
#define UNITS_COUNT_FORM    "a whole number"

/* Bytes: decimal digits, then nothing or one of k, m, g (powers of 1024) in
 * either case. */
bool units_parse_size(const char *text, uint64_t *bytes);

/* Milliseconds: a decimal number, with a fraction or without, then nothing or
 * "s" for seconds, "ms", "m" for minutes or "h" for hours. A part of a
 * millisecond is rounded up, so that only zero is zero. */
bool units_parse_duration_ms(const char *text, uint64_t *ms);

/* Decimal digits. */
bool units_parse_count(const char *text, uint64_t *count);

/* The shortest text that each of them reads as the value: 64k, 5s, 250. */
void units_format_size(uint64_t bytes, char out[UNITS_BYTES]);
void units_format_duration_ms(uint64_t ms, char out[UNITS_BYTES]);
void units_format_count(uint64_t count, char out[UNITS_BYTES]);

#endif
