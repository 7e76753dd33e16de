/* SPDX-License-Identifier: MIT */
#include "tests/store/storm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/store/sim_disk.h"
#include "tests/store/squall.h"
#include "tests/unit/chance.h"

enum {
    LIVES = 6,
    DEPTH = 10,          /* crashes in a recovery */
    RECOVERY_CALLS = 40, /* it crashes at one of so many changes */
    LIFE_CALLS = 600,
    STEPS = 400,
    LEAST_BYTES = 64 << 10, /* a slice of several messages always fits */
    LONG_SEGMENT = 128 << 10,
    LONG_BYTES = 4 << 20,
    SCRIPTED_EXPLODE = 16, /* of fewer changes, as it is repeated often */
};

uint32_t storm_chance(struct storm *s, uint32_t n)
{
    uint32_t x = 0;
    int octets = n > 256 ? 2 : 1;
    if (s->script.end - s->script.at < octets)
        return chance_of(&s->random, n);
    for (int i = 0; i < octets; i++)
        x = x << 8 | *s->script.at++;
    return x % n;
}

/* There was a script, and all of it was read. */
static bool is_over(const struct storm *s)
{
    return s->script.end && s->script.at == s->script.end;
}

static uint64_t seed_of(struct storm *s)
{
    return (uint64_t)storm_chance(s, UINT32_MAX) << 32 |
           storm_chance(s, UINT32_MAX);
}

bool storm_complain(struct storm *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (s->complaint[0] == '\0')
        (void)vsnprintf(s->complaint, sizeof s->complaint, format, arguments);
    va_end(arguments);
    return false;
}

/* The process ends, with the power or without it. */
static void end(struct storm *s, struct sim_disk *disk)
{
    bool is_cut = storm_chance(s, 3) > 0;
    s->counts->cuts += is_cut;
    s->counts->kills += !is_cut;
    if (is_cut)
        sim_disk_cut(disk);
    else
        sim_disk_kill(disk);
}

/* Opens what a crash left. The disk stops on the way if `may_stop`;
 * *has_stopped says whether. */
static bool open_again(struct storm *s, struct life *life,
                       struct sim_disk *disk, bool may_stop, bool *has_stopped)
{
    if (may_stop)
        sim_disk_stop_at(disk, 1 + storm_chance(s, RECOVERY_CALLS));
    bool is_open = life_open(life, &s->model, disk, &s->bounds, seed_of(s));
    *has_stopped = sim_disk_has_stopped(disk);
    sim_disk_stop_at(disk, 0);
    if (!is_open && !*has_stopped)
        return storm_complain(s, "does not open again: %s",
                              life->report.why.text);
    return true;
}

/* What was opened once is what any later opening finds. */
static bool compare(struct storm *s, struct life *life, uint64_t *sum)
{
    if (!life_compare(life))
        return false;
    bool is_same = *sum == 0 || *sum == s->model.found_sum;
    *sum = s->model.found_sum;
    return is_same || storm_complain(s, "is not what was opened before");
}

bool storm_crash(struct storm *s, struct sim_disk *disk)
{
    uint64_t depth = 0, sum = 0;
    for (bool may_stop = true; may_stop; depth++) {
        struct life life;
        bool has_stopped;
        end(s, disk);
        may_stop = depth < DEPTH && storm_chance(s, 4) > 0;
        bool is_well = open_again(s, &life, disk, may_stop, &has_stopped);
        s->counts->states++;
        s->counts->in_recovery += has_stopped;
        if (is_well && !has_stopped)
            is_well = compare(s, &life, &sum);
        life_abandon(&life);
        if (!is_well || s->model.complaint[0])
            return storm_complain(s, "after a crash (%d deep): %s", (int)depth,
                                  s->model.complaint);
    }
    if (depth > s->counts->deepest)
        s->counts->deepest = depth;
    return true;
}

/* The disk is about to change: crashes here, on a copy. */
static void explode(void *arg, enum sim_call call)
{
    struct storm *s = arg;
    (void)call;
    if (s->complaint[0] || s->explode == 0 || storm_chance(s, s->explode) > 0)
        return;
    struct sim_disk *copy = sim_disk_copy(s->disk, seed_of(s));
    (void)storm_crash(s, copy);
    sim_disk_free(copy);
}

/* What was opened is all there is. */
static bool adopt(struct storm *s)
{
    s->counts->lives++;
    if (!life_compare(&s->life))
        return storm_complain(s, "opened: %s", s->model.complaint);
    model_adopt(&s->model);
    return true;
}

/* The disk may stop a few times before the store has opened. */
static bool open_stopping(struct storm *s)
{
    for (int i = 0;; i++) {
        bool has_stopped = false;
        bool may_stop = i < DEPTH && storm_chance(s, 3) == 0;
        if (!open_again(s, &s->life, s->disk, may_stop, &has_stopped))
            return false;
        if (!has_stopped)
            return adopt(s);
        life_abandon(&s->life);
        end(s, s->disk);
    }
}

bool storm_open(struct storm *s)
{
    bool has_stopped;
    return open_again(s, &s->life, s->disk, false, &has_stopped) && adopt(s);
}

static void add_stats(struct storm *s)
{
    struct engine_stats stats = engine_stats(s->life.engine);
    s->counts->batches += stats.batches;
    s->counts->segments += stats.segments;
    s->counts->moved_bytes += stats.moved_bytes;
}

bool storm_close(struct storm *s)
{
    add_stats(s);
    s->counts->ends_in_order++;
    if (!life_close(&s->life) && !s->may_fail)
        return storm_complain(s, "does not close");
    if (sim_disk_open_files(s->disk) > 0)
        return storm_complain(s, "files are left open");
    return true;
}

void storm_break(struct storm *s)
{
    life_abandon(&s->life);
    end(s, s->disk);
}

/* One call of the disk fails in this life. */
static void plant(struct storm *s)
{
    static const struct sim_fault faults[] = {
        {SIM_FLUSH, 0, EIO, false},
        {SIM_WRITE, 0, ENOSPC, false},
        {SIM_WRITE, 0, ENOSPC, false},
        {SIM_ALLOCATE, 0, ENOSPC, false},
    };
    struct sim_fault fault =
        faults[storm_chance(s, sizeof faults / sizeof *faults)];
    fault.at = 1 + storm_chance(s, 20);
    sim_disk_fail(s->disk, &fault);
    s->may_fail = true;
}

/* One life; the disk may stop in it. */
static bool live(struct storm *s)
{
    bool is_well = true;
    s->may_fail = false;
    if (!open_stopping(s))
        return false;
    if (storm_chance(s, 3) == 0)
        plant(s);
    if (storm_chance(s, 4) > 0)
        sim_disk_stop_at(s->disk, 1 + storm_chance(s, LIFE_CALLS));
    uint32_t steps = storm_chance(s, STEPS);
    for (uint32_t i = 0; is_well && i < steps; i++) {
        if (sim_disk_has_stopped(s->disk) || is_over(s))
            break;
        is_well = squall(s);
    }
    if (is_well && !sim_disk_has_stopped(s->disk) && storm_chance(s, 3) == 0) {
        sim_disk_stop_at(s->disk, 0);
        is_well = storm_close(s);
    }
    storm_break(s);
    return is_well && s->complaint[0] == '\0';
}

void storm_begin(struct storm *s, uint64_t seed, struct storm_counts *counts)
{
    *s = (struct storm){.seed = seed, .random = seed, .counts = counts};
    uint64_t segment = 8192u << storm_chance(s, 4);
    s->has_long = storm_chance(s, 16) == 0;
    if (s->has_long)
        segment = LONG_SEGMENT; /* or there would be too many files */
    s->bounds = (struct life_bounds){
        .segment_bytes = segment,
        .limit_bytes = segment * (4 + storm_chance(s, 12)) + LEAST_BYTES,
    };
    s->channels = 1 + storm_chance(s, storm_chance(s, 2) ? 4 : 50);
    s->explode = 1 + storm_chance(s, 30);
    if (s->has_long)
        s->bounds.limit_bytes += LONG_BYTES;
    s->disk = sim_disk_new(64u << 20, seed_of(s));
    sim_disk_watch(s->disk, explode, s);
    model_init(&s->model, &counts->model);
}

void storm_end(struct storm *s)
{
    if (s->complaint[0] == '\0' && s->model.complaint[0])
        (void)storm_complain(s, "%s", s->model.complaint);
    sim_disk_free(s->disk);
    model_fini(&s->model);
}

bool storm_run(struct storm *s, uint64_t seed,
               const struct storm_script *script, struct storm_counts *counts)
{
    bool is_well = true;
    storm_begin(s, seed, counts);
    if (script) {
        s->script = *script;
        s->explode += SCRIPTED_EXPLODE;
    }
    int lives = 1 + (int)storm_chance(s, LIVES);
    for (int i = 0; is_well && i < lives && !is_over(s); i++)
        is_well = live(s);
    storm_end(s);
    return is_well;
}
