/* SPDX-License-Identifier: MIT
 *
 * A store whose disk fails at the n-th call, for n = 1, 2, ...: with EIO, with
 * ENOSPC, writes in part. It goes on or refuses, is never wrong, and opens
 * again with all that was confirmed. After a flush that failed it neither
 * writes, flushes nor confirms anything any more.
 *
 * SLUICE_STEPS=N tries so many n; SLUICE_SEED=N begins with other traffic.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/store/sim_disk.h"
#include "tests/store/squall.h"
#include "tests/store/storm.h"
#include "tests/unit/chance.h"

enum {
#ifdef UNIT_HAS_ASAN
    CALLS = 50,
#else
    CALLS = 150,
#endif
    SQUALLS = 60,
};

struct failed {
    uint64_t flushes, writes, others, in_opening, none;
};

static const struct sim_fault faults[] = {
    {SIM_ANY, 0, EIO, false},     {SIM_ANY, 0, ENOSPC, false},
    {SIM_ANY, 0, EIO, true},      {SIM_WRITE, 0, ENOSPC, false},
    {SIM_WRITE, 0, ENOSPC, true}, {SIM_ALLOCATE, 0, ENOSPC, true},
    {SIM_FLUSH, 0, EIO, false},   {SIM_FLUSH_FOLDER, 0, EIO, false},
    {SIM_READ, 0, EIO, false},    {SIM_OPEN, 0, EMFILE, true},
    {SIM_RENAME, 0, EIO, false},  {SIM_REMOVE, 0, EIO, false},
};

/* How many messages were confirmed when the disk was about to flush. */
struct watched {
    struct storm *storm;
    uint64_t confirmed;
};

static void watch(void *arg, enum sim_call call)
{
    struct watched *w = arg;
    bool is_flush = call == SIM_FLUSH || call == SIM_FLUSH_FOLDER;
    if (is_flush && sim_disk_failed_at(w->storm->disk) == SIM_CALLS)
        w->confirmed = w->storm->counts->model.confirmed;
}

/* I11. */
static void is_quiet(struct storm *s, const struct watched *w)
{
    enum sim_call call = sim_disk_failed_at(s->disk);
    if (call != SIM_FLUSH && call != SIM_FLUSH_FOLDER)
        return;
    assert_int_equal(sim_disk_calls_since(s->disk, SIM_WRITE), 0);
    assert_int_equal(sim_disk_calls_since(s->disk, SIM_FLUSH), 0);
    assert_int_equal(sim_disk_calls_since(s->disk, SIM_FLUSH_FOLDER), 0);
    assert_int_equal(s->counts->model.confirmed, w->confirmed);
}

static void count(struct failed *failed, enum sim_call call)
{
    bool is_flush = call == SIM_FLUSH || call == SIM_FLUSH_FOLDER;
    failed->flushes += is_flush;
    failed->writes += call == SIM_WRITE;
    failed->none += call == SIM_CALLS;
    failed->others += !is_flush && call != SIM_WRITE && call != SIM_CALLS;
}

static void check(struct storm *s, bool is_well, uint64_t n)
{
    if (is_well)
        return;
    fail_msg("seed %" PRIu64 ", call %" PRIu64 ": %s (%s)", s->seed, n,
             s->complaint, s->model.complaint);
}

/* A life with the fault; false when the store did not open. */
static bool live(struct storm *s, const struct sim_fault *fault,
                 struct watched *w)
{
    sim_disk_fail(s->disk, fault);
    s->may_fail = s->model.may_be_damaged = true;
    uint64_t random = s->random;
    if (!life_open(&s->life, &s->model, s->disk, &s->bounds, random)) {
        assert_true(sim_disk_failed_at(s->disk) != SIM_CALLS);
        return false;
    }
    for (uint64_t i = 0; i < SQUALLS + fault->at; i++) {
        check(s, squall(s), fault->at);
        is_quiet(s, w);
    }
    return true;
}

/* The same disk without the fault: nothing is missing, and it works. */
static void recover(struct storm *s, uint64_t n)
{
    s->may_fail = s->model.may_be_damaged = false;
    check(s, storm_open(s), n);
    for (int i = 0; i < 20; i++)
        check(s, squall(s), n);
    check(s, squall_drain(s), n);
    check(s, storm_close(s), n);
}

static void fail_at(uint64_t seed, struct sim_fault fault,
                    struct storm_counts *counts, struct failed *failed)
{
    static struct storm storm;
    struct storm *s = &storm;
    struct watched watched = {s, 0};
    storm_begin(s, seed, counts);
    s->explode = 0;
    sim_disk_watch(s->disk, watch, &watched);
    failed->in_opening += !live(s, &fault, &watched);
    is_quiet(s, &watched);
    count(failed, sim_disk_failed_at(s->disk));
    storm_break(s);
    recover(s, fault.at);
    storm_end(s);
}

static void test_a_disk_that_fails_at_any_call_loses_nothing(void **state)
{
    (void)state;
    struct storm_counts counts = {0};
    struct failed failed = {0};
    uint64_t calls = chance_setting("SLUICE_STEPS", CALLS);
    uint64_t seed = chance_setting("SLUICE_SEED", 1);
    for (uint64_t n = 1; n <= calls; n++) {
        struct sim_fault fault = faults[n % UNIT_COUNT(faults)];
        /* Of one kind there are not so many. */
        fault.at = fault.call == SIM_ANY ? n : 1 + n / UNIT_COUNT(faults);
        fail_at(seed + n % 16, fault, &counts, &failed);
    }
    printf("failed: %" PRIu64 " flushes, %" PRIu64 " writes, %" PRIu64
           " others, none %" PRIu64 "; in opening %" PRIu64
           "; confirmed %" PRIu64 ", lost %" PRIu64 "\n",
           failed.flushes, failed.writes, failed.others, failed.none,
           failed.in_opening, counts.model.confirmed, counts.model.lost);
    assert_true(failed.flushes > calls / 20 && failed.writes > calls / 20);
    assert_true(failed.others > calls / 20 && failed.in_opening > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_that_fails_at_any_call_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
