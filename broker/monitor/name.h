/* SPDX-License-Identifier: MIT
 *
 * name - channel names as they appear in documents. A name is any bytes; what
 * is not printable UTF-8, and '%', is percent-encoded. So every document is
 * valid, no two names look alike to a program, and the way back is unique.
 */
#ifndef SLUICE_MONITOR_NAME_H
#define SLUICE_MONITOR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Encodes as much of the name as `room` bytes can hold with a NUL, which is
 * added; returns the length without it. Three bytes for one are enough. */
size_t name_encode(const uint8_t *name, size_t length, char *out, size_t room);

/* The way back, to at most `room` bytes. False when `text` is not what
 * name_encode makes of any name, or of a longer one. */
bool name_decode(const char *text, size_t length, uint8_t *out, size_t room,
                 size_t *out_length);

#endif
