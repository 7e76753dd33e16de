/* SPDX-License-Identifier: MIT
 *
 * Sessions of both versions against models of their clients, by chance, on
 * virtual wires and in virtual time. Clients come and go in every way,
 * subscribe, publish, work, request and reply; some take their output slowly;
 * the broker reads and writes in pieces of any size; rules change, memory is
 * short, allocations fail, the broker stops. Whenever it writes something, the
 * models must agree with it:
 *
 *     topics    every number of a topic comes or is told of, in order and once,
 *               from the answer to SUB to that to UNSUB
 *     bodies    octet for octet, in the order of each publisher
 *     answers   one for each rid, the right one; none is executed after BYE
 *     receipts  the numbers that readers see, and how many readers there are
 *     queues    a message waits, or is with one worker, or is done; workers
 *               have no more than their credit; `wait` and delays are kept
 *     bounds    of memory, of answers, of requests
 *     the end   nothing is lost, nobody is left, no memory is in use
 *
 * With a fault that was planted (plant.py) it must find that.
 *
 * A run is a few thousand steps. SLUICE_SEED=N begins with that run,
 * SLUICE_STEPS=N takes so many steps in all.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "tests/unit/unit.h"
#include "tests/unit/units_sim/calm.h"
#include "tests/unit/units_sim/hear.h"
#include "tests/unit/units_sim/mishaps.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/steps.h"
#include "tests/unit/virtual_stream.h"

enum {
    RUN_STEPS = 3000,
#ifdef UNIT_HAS_ASAN
    STEPS = 60000,
#else
    STEPS = 200000,
#endif
    KNOWN_SEED = 20250131,
};

static struct mood any_mood(struct sim *sim)
{
    struct mood m = {.is_cut = once_in(sim, 2)};
    m.is_short = once_in(sim, 4);
    m.is_faulty = once_in(sim, 8);
    m.is_receipted = once_in(sim, 4);
    m.may_change = once_in(sim, 4);
    m.may_leap = once_in(sim, 8);
    m.ends_by_drain = once_in(sim, 4);
    return m;
}

static void sim_configure(struct sim *sim)
{
    static const struct clients_config config = {
        .max_frame_bytes = MAX_FRAME,
        .hello_ms = 5000,
        .frame_ms = 10000,
        .leave_ms = LEAVE_MS,
        .patience_ms = PATIENCE_MS,
        .ping_ms = PING_MS,
        .hold_bytes = HOLD_BYTES,
        .subscriptions_max = SUBSCRIPTIONS_MAX,
        .requests_max = REQUESTS_MAX,
    };
    clients_configure(&sim->house.clients, &config);
    mishaps_begin(sim);
}

static struct sim *sim_open(struct report *report, uint64_t seed, int log_fd)
{
    struct sim *sim = calloc(1, sizeof *sim);
    const struct virtual_watcher watcher = {hear_written, hear_closed, sim};
    sim->random = seed;
    sim->report = report;
    sim->mood = any_mood(sim);
    virtual_begin(UINT32_MAX - chance(sim, 60000), seed, &watcher);
    assert_true(house_open(&sim->house, log_fd));
    sim_configure(sim);
    return sim;
}

static void sim_close(struct sim *sim)
{
    mishaps_end(sim);
    house_close(&sim->house);
    SIM_CHECK(sim, sim->house.budget.used_bytes == 0,
              "%" PRIu64 " bytes are in use in the end",
              sim->house.budget.used_bytes);
    SIM_CHECK(sim, house_count(&sim->house, COUNT_channels) == 0,
              "channels are left");
    for (int i = 0; i < CHANNELS; i++)
        free(sim->by_number[i]);
    free(sim->messages);
    free(sim);
}

static void run(struct report *report, uint64_t seed, uint64_t steps,
                int log_fd)
{
    report_begin(report, seed, steps);
    struct sim *sim = sim_open(report, seed, log_fd);
    for (uint64_t i = 0; i < steps; i++)
        steps_take(sim);
    mishaps_end(sim);
    if (sim->mood.ends_by_drain) {
        calm_drain(sim);
    } else {
        calm_down(sim);
        calm_hang_up(sim);
    }
    sim_close(sim);
}

static void simulate(uint64_t seed, bool is_known)
{
    uint64_t left = chance_setting("SLUICE_STEPS", STEPS);
    bool is_whole = left >= STEPS && is_known;
    struct report *report = report_new();
    int log_fd = getenv("SLUICE_TRACE")
                     ? dup(STDERR_FILENO)
                     : open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (; left > 0; seed++) {
        uint64_t steps = left < RUN_STEPS ? left : RUN_STEPS;
        run(report, seed, steps, log_fd);
        left -= steps;
    }
    bool is_complete = report_print(report);
    assert_true(is_complete || !is_whole);
    assert_null(getenv("SLUICE_PLANT")); /* which was not found */
    report_free(report);
    close(log_fd);
}

static void test_sessions_agree_with_the_models(void **state)
{
    (void)state;
    simulate(chance_setting("SLUICE_SEED", KNOWN_SEED), !getenv("SLUICE_SEED"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_agree_with_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
