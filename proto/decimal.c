/* SPDX-License-Identifier: MIT */
#include "proto/decimal.h"

#include <string.h>

uint32_t decimal_put(void *out, uint64_t number)
{
    char digits[DECIMAL_MAX], *end = digits + sizeof digits, *first = end;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out, first, (size_t)(end - first));
    return (uint32_t)(end - first);
}

bool decimal_carry(uint8_t *digits, uint32_t count)
{
    uint8_t *digit = digits + count - 1;
    while (digit > digits && *digit > '9') {
        *digit-- = '0';
        ++*digit;
    }
    return *digit <= '9';
}
