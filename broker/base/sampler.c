/* SPDX-License-Identifier: MIT */
#include "broker/base/sampler.h"

/* That of the key, else a free one, else that of the longest silence. */
static struct sampler_row *sampler_row(struct sampler *s, uint64_t key,
                                       clock_ms now)
{
    struct sampler_row *best = &s->rows[0];
    for (unsigned i = 0; i < SAMPLER_KEYS; i++) {
        struct sampler_row *row = &s->rows[i];
        if (row->key == key)
            return row;
        if (best->key != 0 &&
            (row->key == 0 || clock_elapsed_ms(now, row->since) >
                                  clock_elapsed_ms(now, best->since)))
            best = row;
    }
    return best;
}

bool sampler_pass(struct sampler *s, uint64_t key, uint32_t most, clock_ms now,
                  uint64_t *missed)
{
    struct sampler_row *row = sampler_row(s, key, now);
    if (row->key != key)
        *row = (struct sampler_row){.key = key, .since = now};
    if (clock_elapsed_ms(now, row->since) >= SAMPLER_PERIOD_MS) {
        row->since = now;
        row->passed = 0;
    }
    row->missed += *missed;
    if (row->passed == most) {
        row->missed++;
        return false;
    }
    row->passed++;
    *missed = row->missed;
    row->missed = 0;
    return true;
}
