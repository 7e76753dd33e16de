/* SPDX-License-Identifier: MIT */
#include "tests/store/body.h"

#include <string.h>

#include "tests/unit/chance.h"

uint32_t body_length(uint64_t tag)
{
    uint64_t chance = tag;
    if (tag % BODY_LONG_EVERY == BODY_LONG_EVERY - 1)
        return BODY_MAX - chance_of(&chance, 16 << 10);
    switch (chance_of(&chance, 16)) {
    case 0:
        return chance_of(&chance, 5);
    case 1:
        return chance_of(&chance, 5000);
    default:
        return chance_of(&chance, 200);
    }
}

void body_write(uint8_t *out, uint64_t tag)
{
    uint64_t x = tag * 0x9e3779b97f4a7c15u ^ 0x94d049bb133111ebu;
    uint32_t left = body_length(tag);
    for (; left >= sizeof x; left -= (uint32_t)sizeof x) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(out, &x, sizeof x);
        out += sizeof x;
    }
    memcpy(out, &x, left);
}
