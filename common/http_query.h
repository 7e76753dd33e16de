/* SPDX-License-Identifier: MIT
 *
 * http_query - the parameters of a request, which stand behind the '?' of its
 * target as name=value, with '&' in between. Values are percent-encoded; a '+'
 * is a '+'.
 */
#ifndef SLUICE_COMMON_HTTP_QUERY_H
#define SLUICE_COMMON_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The decoded value of the first parameter of this name. False when there is
 * none, it is not well encoded, or it is longer than `room`. */
bool http_query_bytes(const char *query, const char *name, uint8_t *out,
                      size_t room, size_t *length);

/* The same of a number, in decimal. A parameter that is missing or empty is
 * `otherwise`; false when it is not a number, or larger than `most`. */
bool http_query_number(const char *query, const char *name, uint64_t otherwise,
                       uint64_t most, uint64_t *out);

#endif
