/* SPDX-License-Identifier: MIT
 *
 * json - bytes as the text of a JSON string. Characters that could control a
 * terminal are written \uNNNN. Bytes that are not UTF-8, or are eight-bit
 * controls, cannot be text: they are written in base64 instead.
 */
#ifndef SLUICE_CLIENT_JSON_H
#define SLUICE_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_BYTES = 12 };

/* Whether json_next_text() can show all of it. */
bool json_is_text(const uint8_t *bytes, size_t n);

/* Both write the beginning of `bytes`, of which `n` > 0 are there, as it stands
 * between the quotes, and return how many bytes that were. */
size_t json_next_text(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                      size_t *shown_length);
size_t json_next_base64(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                        size_t *shown_length);

#endif
