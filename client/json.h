/* SPDX-License-Identifier: MIT
 *
 * json - bytes as the text of a JSON string. Bytes that are not harmless UTF-8
 * cannot be one: they are written in base64 instead.
 */
#ifndef SLUICE_CLIENT_JSON_H
#define SLUICE_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_BYTES = 6 };

/* Whether json_next_text() can show all of it. */
bool json_is_text(const uint8_t *bytes, size_t n);

/* Both write the beginning of `bytes`, of which `n` > 0 are there, as it stands
 * between the quotes, and return how many bytes that were. */
size_t json_next_text(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                      size_t *shown_length);
size_t json_next_base64(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                        size_t *shown_length);

#endif
