/* SPDX-License-Identifier: MIT
 *
 * siphash - SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input
 * PRF"): a keyed hash, so that peers that choose names cannot make them
 * collide.
 */
#ifndef SLUICE_BASE_SIPHASH_H
#define SLUICE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* A key that cannot be guessed, from getrandom(2). */
struct siphash_key siphash_key_random(void);

/* SipHash-1-3 of these bytes. */
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n);

#endif
