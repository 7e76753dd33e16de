/* SPDX-License-Identifier: MIT */
#include "client/bench/histogram.h"

/* The greatest value of a bucket. */
static uint64_t histogram_top(uint32_t bucket)
{
    if (bucket >> HISTOGRAM_BITS == 0)
        return bucket;
    uint32_t shift = (bucket >> HISTOGRAM_BITS) - 1;
    uint64_t first = (uint64_t)bucket - ((uint64_t)shift << HISTOGRAM_BITS);
    return ((first + 1) << shift) - 1;
}

/* How many values lie at or below the percentile: at least one. */
static uint64_t histogram_rank(const struct histogram *h, double percent)
{
    double exact = percent * (double)h->count / 100;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact)
        rank++;
    return rank > 0 ? rank : 1;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    uint64_t rank = histogram_rank(h, percent), seen = 0;
    if (h->count == 0)
        return 0;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        seen += h->buckets[bucket];
        if (seen >= rank) {
            uint64_t top = histogram_top(bucket);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}
