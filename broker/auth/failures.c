/* SPDX-License-Identifier: MIT */
#include "broker/auth/failures.h"

#include <string.h>

enum { V6_SOURCE_BITS = 64 };

void failures_init(struct failures *f)
{
    memset(f, 0, sizeof *f);
    f->key = siphash_key_random();
}

struct network failures_source_of(const struct network *peer)
{
    struct network source = *peer;
    if (source.version == 6)
        network_cut(&source, V6_SOURCE_BITS);
    return source;
}

static size_t failures_row(const struct failures *f,
                           const struct network *source)
{
    return siphash(&f->key, source, sizeof *source) %
           (FAILURES_SOURCES / FAILURES_WAYS);
}

static bool is_of(const struct failures_source *place,
                  const struct network *source)
{
    return place->source.version != 0 &&
           network_compare(&place->source, source) == 0;
}

/* Each failure costs an interval, of which FAILURES_AT_ONCE may be owed. */
uint32_t failures_wait_ms(const struct failures *f,
                          const struct network *source, uint64_t now_ms)
{
    const uint64_t credit = (uint64_t)FAILURES_AT_ONCE * FAILURES_INTERVAL_MS;
    const struct failures_source *row = f->sources[failures_row(f, source)];
    for (unsigned i = 0; i < FAILURES_WAYS; i++)
        if (is_of(&row[i], source) &&
            row[i].paid_at_ms + FAILURES_INTERVAL_MS > now_ms + credit)
            return (uint32_t)(row[i].paid_at_ms + FAILURES_INTERVAL_MS -
                              now_ms - credit);
    return 0;
}

bool failures_suspect(const struct failures *f, const struct network *source,
                      uint64_t now_ms)
{
    const struct failures_source *row = f->sources[failures_row(f, source)];
    for (unsigned i = 0; i < FAILURES_WAYS; i++)
        if (is_of(&row[i], source))
            return row[i].paid_at_ms + FAILURES_SUSPECT_MS > now_ms;
    return false;
}

void failures_add(struct failures *f, const struct network *source,
                  uint64_t now_ms)
{
    struct failures_source *row = f->sources[failures_row(f, source)];
    struct failures_source *place = &row[0];
    for (unsigned i = 0; i < FAILURES_WAYS; i++) {
        if (is_of(&row[i], source)) {
            place = &row[i];
            break;
        }
        if (row[i].paid_at_ms < place->paid_at_ms)
            place = &row[i];
    }
    if (!is_of(place, source))
        *place =
            (struct failures_source){.source = *source, .paid_at_ms = now_ms};
    if (place->paid_at_ms < now_ms)
        place->paid_at_ms = now_ms;
    place->paid_at_ms += FAILURES_INTERVAL_MS;
}
