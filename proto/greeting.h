/* SPDX-License-Identifier: MIT
 *
 * greeting - recognises other protocols by their first four bytes, which a
 * lost client sends where a frame length belongs. They make good log lines.
 */
#ifndef SLUICE_PROTO_GREETING_H
#define SLUICE_PROTO_GREETING_H

#include <stdint.h>

/* The protocol whose clients begin with these bytes ("http", "tls", ...), a
 * constant string, or NULL when no known protocol begins with them. */
const char *greeting_name(const uint8_t first[4]);

#endif
