/* SPDX-License-Identifier: MIT
 *
 * decimal - numbers as text. One that follows another is counted up in place,
 * which takes a tenth of writing it.
 */
#ifndef SLUICE_PROTO_DECIMAL_H
#define SLUICE_PROTO_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum { DECIMAL_MAX = 20 }; /* digits of 64 bits */

/* Writes a number, without a NUL, and returns how many digits it has. */
uint32_t decimal_put(void *out, uint64_t number);

/* For decimal_next(): the last digit has gone beyond 9. */
bool decimal_carry(uint8_t *digits, uint32_t count);

/* Adds one to a number of so many digits. False when it is one digit longer
 * now: it has to be written again. */
static inline bool decimal_next(uint8_t *digits, uint32_t count)
{
    return ++digits[count - 1] <= '9' || decimal_carry(digits, count);
}

/* The same for a `step` below 10. */
static inline bool decimal_add(uint8_t *digits, uint32_t count, unsigned step)
{
    uint8_t *last = digits + count - 1;
    *last = (uint8_t)(*last + step);
    if (*last <= '9')
        return true;
    *last = (uint8_t)(*last - 10);
    return count > 1 && decimal_next(digits, count - 1);
}

#endif
