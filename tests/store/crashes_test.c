/* SPDX-License-Identifier: MIT
 *
 * The store on a disk that loses power, by chance: up to 50 channels, messages
 * acknowledged in and out of order, drops, small segments that roll,
 * fill up and are compacted. The process is killed, or the power cut, before
 * any change of the disk, also while it opens the store again, up to ten times
 * in a row. Whatever survives, what is opened is what the model allows
 * (model.h), message for message.
 *
 * SLUICE_SEED=N begins with that run, SLUICE_STEPS=N takes so many crashes.
 * Of a store that makes the mistake SLUICE_PLANT (store_faults.h) it must find
 * that.
 */
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/store/storm.h"
#include "tests/unit/chance.h"
#ifdef STORE_IS_FAULTY
#include "tests/store/store_faults.h"
#endif

enum {
#ifdef UNIT_HAS_ASAN
    STATES = 2000,
#else
    STATES = 10000,
#endif
    KNOWN_SEED = 20261122,
};

/* The fault that is planted, or NULL. */
static const char *plant(void)
{
#ifdef STORE_IS_FAULTY
    const char *name = getenv("SLUICE_PLANT");
    store_fault = store_fault_named(name);
    assert_int_not_equal(store_fault, FAULT_NONE);
    return name;
#else
    return NULL;
#endif
}

static void print(const struct storm_counts *c)
{
    printf("attempted %" PRIu64 ", confirmed %" PRIu64 ", acknowledged %" PRIu64
           ", recovered %" PRIu64 ", lost %" PRIu64 ", repeated %" PRIu64
           ", unexpected %" PRIu64 "\n",
           c->model.attempted, c->model.confirmed, c->model.acknowledged,
           c->model.recovered, c->model.lost, c->model.repeated,
           c->model.unexpected);
    printf("%" PRIu64 " crashes: %" PRIu64 " cuts, %" PRIu64 " kills, %" PRIu64
           " in recovery, %" PRIu64 " deep; %" PRIu64 " lives, %" PRIu64
           " ended in order\n",
           c->states, c->cuts, c->kills, c->in_recovery, c->deepest, c->lives,
           c->ends_in_order);
    printf("batches %" PRIu64 ", segments %" PRIu64 ", moved %" PRIu64
           " bytes, full %" PRIu64 " times, open again %" PRIu64 "\n",
           c->batches, c->segments, c->moved_bytes, c->full, c->opened_again);
}

/* Whether a run came across everything that it is meant for. */
static bool is_complete(const struct storm_counts *c)
{
    return c->model.confirmed > STATES / 4 && c->model.recovered > 0 &&
           c->model.repeated > 0 && c->cuts > 0 && c->kills > 0 &&
           c->in_recovery > 0 && c->deepest >= 8 && c->ends_in_order > 0 &&
           c->moved_bytes > 0 && c->full > 0 && c->opened_again > 0;
}

/* A few runs more than asked for may be needed to come across everything. */
static bool is_enough(const struct storm_counts *c, uint64_t states)
{
    return c->states >= states && (states < STATES || is_complete(c) ||
                                   c->states >= 10 * (uint64_t)STATES);
}

static void test_what_was_confirmed_survives_every_crash(void **state)
{
    (void)state;
    struct storm_counts counts = {0};
    uint64_t seed = chance_setting("SLUICE_SEED", KNOWN_SEED);
    uint64_t states = chance_setting("SLUICE_STEPS", STATES);
    const char *planted = plant();
    for (; !is_enough(&counts, states); seed++) {
        static struct storm storm;
        if (storm_run(&storm, seed, NULL, &counts))
            continue;
        print(&counts);
        printf("SLUICE_SEED=%" PRIu64 ": %s\n", seed, storm.complaint);
        assert_non_null(planted); /* the fault, which was found */
        return;
    }
    print(&counts);
    assert_null(planted); /* the fault, which was not */
    assert_true(is_complete(&counts) || states < STATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_confirmed_survives_every_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
