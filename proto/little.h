/* SPDX-License-Identifier: MIT
 *
 * little - little-endian integers in bytes that need no alignment. Compilers
 * make one instruction of each.
 */
#ifndef SLUICE_PROTO_LITTLE_H
#define SLUICE_PROTO_LITTLE_H

#include <stdint.h>

/* Writes `value` into the first two bytes at `out`. */
static inline void little_put_16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

/* The same with four bytes. */
static inline void little_put_32(uint8_t *out, uint32_t value)
{
    little_put_16(out, (uint16_t)value);
    little_put_16(out + 2, (uint16_t)(value >> 16));
}

/* The same with eight bytes. */
static inline void little_put_64(uint8_t *out, uint64_t value)
{
    little_put_32(out, (uint32_t)value);
    little_put_32(out + 4, (uint32_t)(value >> 32));
}

/* The integer in the first two bytes. */
static inline uint16_t little_get_16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* The same with four bytes. */
static inline uint32_t little_get_32(const uint8_t *bytes)
{
    return little_get_16(bytes) | (uint32_t)little_get_16(bytes + 2) << 16;
}

/* The same with eight bytes. */
static inline uint64_t little_get_64(const uint8_t *bytes)
{
    return little_get_32(bytes) | (uint64_t)little_get_32(bytes + 4) << 32;
}

#endif
