/* SPDX-License-Identifier: MIT
 *
 * histogram - latencies in fixed memory: how often each value came, to within
 * HISTOGRAM_ERROR of it.
 *
 * Each power of two is cut into 128 buckets of equal width, so a bucket is
 * never wider than 1/128 of the values in it:
 *
 *     0 1 ... 127 | 128 129 ... 255 | 256 258 ... 510 | 512 516 ... 1020
 *       width 1         width 1           width 2           width 4
 */
#ifndef SLUICE_CLIENT_BENCH_HISTOGRAM_H
#define SLUICE_CLIENT_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_ERROR (1.0 / 128)

enum {
    HISTOGRAM_BITS = 7,      /* 2^7 buckets for each power of two */
    HISTOGRAM_MAX_BITS = 42, /* values from 2^42 on share the last bucket */
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_BITS + 1)
                        << HISTOGRAM_BITS,
};

/* All zero is an empty one. */
struct histogram {
    uint64_t count;
    uint64_t max; /* exact */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The index of the bucket that counts this value. */
static inline uint32_t histogram_bucket(uint64_t value)
{
    if (value >> HISTOGRAM_MAX_BITS)
        return HISTOGRAM_BUCKETS - 1;
    if (value >> HISTOGRAM_BITS == 0)
        return (uint32_t)value;
    uint32_t shift = (uint32_t)(63 - __builtin_clzll(value)) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* Counts one value. */
static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->count++;
    h->buckets[histogram_bucket(value)]++;
    if (value > h->max)
        h->max = value;
}

/* The least value that `percent` of all values do not exceed, rounded up
 * within its bucket, so never below the truth; 0 when there are no values. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
