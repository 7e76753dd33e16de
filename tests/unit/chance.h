/* SPDX-License-Identifier: MIT
 *
 * chance - numbers by chance for simulations, which a seed repeats.
 */
#ifndef SLUICE_TESTS_UNIT_CHANCE_H
#define SLUICE_TESTS_UNIT_CHANCE_H

#include <stdint.h>
#include <stdlib.h>

/* Below `n`; *state begins as the seed. */
static inline uint32_t chance_of(uint64_t *state, uint32_t n)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ x >> 31) % n);
}

/* The number that an environment variable gives, if it is set. */
static inline uint64_t chance_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

#endif
