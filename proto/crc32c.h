/* SPDX-License-Identifier: MIT
 *
 * crc32c - the checksum of the journal: CRC-32C (Castagnoli), as in RFC 3720,
 * section 12.1. It finds every burst of up to 32 bits by construction. The
 * processor's own instruction computes it where there is one.
 */
#ifndef SLUICE_PROTO_CRC32C_H
#define SLUICE_PROTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `length` bytes, with `start` as the checksum of what is
 * before them: 0, or a seed that no other bytes share. So a checksum can be
 * computed in pieces. Any thread. */
uint32_t crc32c(uint32_t start, const void *bytes, size_t length);

/* The same without the instruction, for tests. */
uint32_t crc32c_by_table(uint32_t start, const void *bytes, size_t length);

#endif
