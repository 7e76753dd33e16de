/* SPDX-License-Identifier: MIT
 *
 * escape - makes bytes harmless for a terminal: UTF-8 text and tabs pass.
 * Control characters (C0, DEL, C1), format characters (Unicode's category Cf,
 * which can show the rest of a line reversed) and bytes that are not UTF-8
 * become \xNN.
 */
#ifndef SLUICE_CLIENT_ESCAPE_H
#define SLUICE_CLIENT_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

enum { ESCAPE_BYTES = 4 };

/* Shows the next character of `text`, of which `n` > 0 bytes are there, and
 * returns how many of them that were. */
size_t escape_next(const uint8_t *text, size_t n, char shown[ESCAPE_BYTES],
                   size_t *shown_length);

/* The length of the format character that `text`, of `n` > 0 bytes, begins
 * with, and its number in *character; 0 when it begins with anything else. */
size_t escape_format(const uint8_t *text, size_t n, uint32_t *character);

/* Shows as much of `text` as `out`, of `space` bytes, has room for, and ends
 * it with a NUL. */
void escape_text(const char *text, char *out, size_t space);

#endif
