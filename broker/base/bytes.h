/* SPDX-License-Identifier: MIT
 *
 * bytes - comparing short ones. Names are so short that calling memcmp costs
 * more than comparing them eight bytes at a time.
 */
#ifndef SLUICE_BASE_BYTES_H
#define SLUICE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As one number, in the order of the machine. */
static inline uint64_t bytes_get_8(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Compares the first eight, the last, which may overlap them, and the rest. */
static inline bool bytes_are_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    if (n < 8)
        return memcmp(a, b, n) == 0;
    if (bytes_get_8(a) != bytes_get_8(b) ||
        bytes_get_8(a + n - 8) != bytes_get_8(b + n - 8))
        return false;
    for (size_t i = 8; i + 8 < n; i += 8)
        if (bytes_get_8(a + i) != bytes_get_8(b + i))
            return false;
    return true;
}

#endif
