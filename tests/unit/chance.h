/* SPDX-License-Identifier: MIT
 *
 * chance - numbers by chance for simulations, which a seed repeats.
 */
#ifndef SLUICE_TESTS_UNIT_CHANCE_H
#define SLUICE_TESTS_UNIT_CHANCE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Below `n`; *state begins as the seed. */
static inline uint32_t chance_of(uint64_t *state, uint32_t n)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ x >> 31) % n);
}

/* The weight of a row: `rows` is the weight of the first, the others lie
 * `stride` bytes apart. */
static inline uint32_t chance_weight(const uint32_t *rows, size_t stride,
                                     size_t row)
{
    uint32_t weight;
    memcpy(&weight, (const char *)rows + row * stride, sizeof weight);
    return weight;
}

/* One of `count` such rows: the heavier, the more often. */
static inline size_t chance_row(uint64_t *state, const uint32_t *rows,
                                size_t stride, size_t count)
{
    uint32_t total = 0, at;
    for (size_t i = 0; i < count; i++)
        total += chance_weight(rows, stride, i);
    at = chance_of(state, total);
    size_t i = 0;
    for (; at >= chance_weight(rows, stride, i); i++)
        at -= chance_weight(rows, stride, i);
    return i;
}

/* The number of a row in a table whose rows have a `weight`. */
#define CHANCE_ROW(state, table)                                               \
    chance_row(state, &(table)[0].weight, sizeof *(table),                     \
               sizeof(table) / sizeof *(table))

/* The number that an environment variable gives, if it is set. */
static inline uint64_t chance_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

/* A seed of its own for each run, $SLUICE_SEED, or what CI chose for all; it is
 * printed at once, in case the run does not come to its end. */
static inline uint64_t chance_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        abort();
    seed = chance_setting("SLUICE_SEED", chance_setting("TESTS_SEED", seed));
    printf("SLUICE_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

#endif
