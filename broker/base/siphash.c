/* SPDX-License-Identifier: MIT */
#include "broker/base/siphash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    s->v0 ^= m;
}

struct siphash_key siphash_key_random(void)
{
    struct siphash_key key;
    /* 16 bytes are never cut short (getrandom(2)); without them no start. */
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        abort();
    return key;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n)
{
    struct sip s = {
        key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
        key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
    const uint8_t *p = bytes;
    uint64_t m;
    for (size_t left = n; left >= 8; left -= 8, p += 8) {
        memcpy(&m, p, 8);
        sip_word(&s, m);
    }
    m = (uint64_t)n << 56;
    for (size_t i = 0; i < n % 8; i++)
        m |= (uint64_t)p[i] << (8 * i);
    sip_word(&s, m);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
