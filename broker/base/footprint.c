/* SPDX-License-Identifier: MIT */
#include "broker/base/footprint.h"

#include "broker/base/allocator.h"
#include "broker/base/process.h"

enum {
    GIVEN_BACK_BYTES = 1 << 20, /* less is not worth a look */
    TRIM_SHARE = 20,            /* of the time for trimming: one in so many */
    TRIM_ABOVE_SHARE = 32,      /* of the limit: less waste is put up with */
    WASTE_SHARE = 8,            /* of the limit: more waste is not counted */
};

void footprint_init(struct footprint *f, struct budget *budget, clock_ms now)
{
    *f = (struct footprint){.budget = budget,
                            .base_bytes = process_rss_bytes(),
                            .looked_at = now,
                            .trimmed_at = now};
}

static bool footprint_is_busy(const struct footprint *f)
{
    const struct budget *b = f->budget;
    return b->limit_bytes > 0 && b->used_bytes > b->limit_bytes / 2;
}

static bool footprint_has_fallen(const struct footprint *f)
{
    uint64_t used = f->budget->used_bytes;
    return f->high_bytes >= used + GIVEN_BACK_BYTES &&
           used <= f->high_bytes / 2;
}

bool footprint_is_pending(const struct footprint *f)
{
    return footprint_has_fallen(f) || f->budget->waste_bytes > 0;
}

static uint64_t footprint_waste(const struct footprint *f)
{
    uint64_t known = f->base_bytes + f->budget->used_bytes;
    uint64_t resident = allocator_is_plain() ? process_rss_bytes() : 0;
    return resident > known ? resident - known : 0;
}

/* Trimming takes milliseconds when there are many holes, so its share of the
 * time is bounded. False when it is too early to trim again. */
static bool footprint_trim(struct footprint *f, clock_ms now)
{
    if (clock_elapsed_ms(now, f->trimmed_at) < f->rest_ms)
        return false;
    clock_ms begin = clock_now_ms();
    allocator_trim();
    uint32_t took_ms = clock_elapsed_ms(clock_now_ms(), begin);
    f->trimmed_at = now;
    f->rest_ms = (took_ms + 1) * TRIM_SHARE;
    f->high_bytes = f->budget->used_bytes;
    return true;
}

static void footprint_look(struct footprint *f, clock_ms now)
{
    struct budget *b = f->budget;
    if (footprint_has_fallen(f))
        (void)footprint_trim(f, now);
    if (!footprint_is_busy(f))
        return;
    uint64_t waste = footprint_waste(f), most = b->limit_bytes / WASTE_SHARE;
    if (waste > b->limit_bytes / TRIM_ABOVE_SHARE && footprint_trim(f, now))
        waste = footprint_waste(f);
    b->waste_bytes = waste < most ? waste : most;
}

void footprint_update(struct footprint *f, clock_ms now)
{
    struct budget *b = f->budget;
    bool is_busy = footprint_is_busy(f);
    if (b->used_bytes > f->high_bytes)
        f->high_bytes = b->used_bytes;
    if (!is_busy)
        b->waste_bytes = 0;
    if (!is_busy && !footprint_has_fallen(f))
        return;
    uint32_t pause_ms = is_busy ? FOOTPRINT_BUSY_MS : FOOTPRINT_IDLE_MS;
    if (clock_elapsed_ms(now, f->looked_at) < pause_ms)
        return;
    f->looked_at = now;
    footprint_look(f, now);
}
