/* SPDX-License-Identifier: MIT
 *
 * percent - channel names as text, for documents and topics. A name is any
 * bytes; '%', and everything that is not printable UTF-8, is percent-encoded.
 * So every text is valid UTF-8, different names have different texts, and each
 * text leads back to one name only.
 */
#ifndef SLUICE_COMMON_PERCENT_H
#define SLUICE_COMMON_PERCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No byte takes more than this when encoded. */
enum { PERCENT_BYTES = 3 };

/* Encodes as much of the name as `room` bytes can hold with a NUL, which is
 * added; returns the length without it. */
size_t percent_encode(const uint8_t *name, size_t length, char *out,
                      size_t room);

/* The way back. False when `text` is not what percent_encode makes of a name of
 * up to `room` bytes. */
bool percent_decode(const char *text, size_t length, uint8_t *out, size_t room,
                    size_t *out_length);

/* Decodes every %XX, also where percent_encode would have written none, and
 * leaves the other bytes as they are. False when a '%' is not followed by two
 * hexadecimal digits, or `room` is too small. */
bool percent_unescape(const char *text, size_t length, uint8_t *out,
                      size_t room, size_t *out_length);

#endif
