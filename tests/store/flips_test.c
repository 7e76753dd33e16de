/* SPDX-License-Identifier: MIT
 *
 * A store of three small segments whose files are changed while it is stopped:
 * every byte, every length, files that are missing, swapped, doubled or
 * another store's. It says that it is damaged, or opens and says which messages
 * cannot be read; it never gives a wrong one, and never misses one silently.
 *
 * SLUICE_STEPS=N changes one byte of N; 1 is every one.
 */
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/journal.h"
#include "tests/store/sim_disk.h"
#include "tests/store/squall.h"
#include "tests/store/storm.h"
#include "tests/unit/chance.h"

enum {
    SEGMENTS = 3,
    NAMES = 16,
#ifdef UNIT_HAS_ASAN
    EVERY = 61,
#else
    EVERY = 11,
#endif
};

struct outcome {
    uint64_t refused, opened, damaged; /* damaged: messages, told */
};

/* The files of a store that was stopped, and the model of it. */
struct stopped {
    struct storm storm;
    struct storm_counts counts;
    char names[NAMES][DISK_NAME_MAX + 1];
    uint64_t bytes[NAMES];
    int count;
    struct outcome outcome;
};

static void note_name(void *arg, const char *name, uint64_t bytes)
{
    struct stopped *st = arg;
    assert_true(st->count < NAMES);
    memcpy(st->names[st->count], name, strlen(name) + 1);
    st->bytes[st->count++] = bytes;
}

static bool is_segment(const char *name)
{
    return strstr(name, ".seg") && strncmp(name, "spare", 5) != 0;
}

static int segments(const struct stopped *st)
{
    int n = 0;
    for (int i = 0; i < st->count; i++)
        n += is_segment(st->names[i]);
    return n;
}

/* Fills three segments and acknowledges some of it. The process ends in order,
 * or at rest without sealing. */
static void stopped_open(struct stopped *st, uint64_t seed, bool in_order)
{
    memset(st, 0, sizeof *st);
    struct storm *s = &st->storm;
    storm_begin(s, seed, &st->counts);
    s->explode = 0;
    s->has_long = false;
    s->channels = 3;
    s->bounds.segment_bytes = 8192;
    s->bounds.limit_bytes = 12 * 8192;
    assert_true(storm_open(s));
    while (engine_stats(s->life.engine).segments < SEGMENTS)
        assert_true(squall(s));
    assert_true(life_settle(&s->life));
    if (in_order) {
        assert_true(storm_close(s));
        sim_disk_kill(s->disk);
    } else {
        life_abandon(&s->life);
        sim_disk_kill(s->disk);
    }
    struct disk disk = sim_disk_calls(s->disk);
    assert_int_equal(disk.ops->list(s->disk, note_name, st), 0);
    s->model.may_be_damaged = true;
}

static void stopped_close(struct stopped *st)
{
    printf("refused %" PRIu64 ", opened %" PRIu64 " with %" PRIu64
           " messages that are damaged\n",
           st->outcome.refused, st->outcome.opened, st->outcome.damaged);
    storm_end(&st->storm);
}

/* Opens a copy of the disk as it is now, which has changed in `what` at `at`.
 * Returns whether it opened. */
static bool try_it(struct stopped *st, const char *what, uint64_t at)
{
    struct life life;
    struct storm *s = &st->storm;
    struct sim_disk *copy = sim_disk_copy(s->disk, at);
    bool is_open = life_open(&life, &s->model, copy, &s->bounds, at);
    if (!is_open) {
        assert_int_equal(life.report.error, 0); /* it is the bytes */
        assert_true(life.report.why.text[0]);   /* says why */
        st->outcome.refused++;
    } else {
        if (!life_compare(&life))
            fail_msg("%s, changed at %" PRIu64 ": %s", what, at,
                     s->model.complaint);
        st->outcome.opened++;
        st->outcome.damaged += s->model.lost;
    }
    life_abandon(&life);
    if (s->model.complaint[0])
        fail_msg("%s, changed at %" PRIu64 ": %s", what, at,
                 s->model.complaint);
    sim_disk_free(copy);
    return is_open;
}

static void flip_file(struct stopped *st, const char *name, uint64_t every,
                      uint64_t *step)
{
    uint64_t bytes = 0;
    uint8_t *all = sim_disk_bytes(st->storm.disk, name, &bytes);
    for (uint64_t at = 0; at < bytes; at++) {
        if ((*step)++ % every > 0)
            continue;
        all[at] ^= 1;
        (void)try_it(st, name, at);
        all[at] ^= 1 ^ 0xff;
        (void)try_it(st, name, at);
        all[at] ^= 0xff;
    }
}

static void test_no_flipped_byte_changes_a_message(void **state)
{
    (void)state;
    static struct stopped st;
    uint64_t every = chance_setting("SLUICE_STEPS", EVERY);
    uint64_t seed = chance_setting("SLUICE_SEED", 1);
    uint64_t step = chance_of(&(uint64_t){seed}, (uint32_t)every);
    stopped_open(&st, seed, true);
    assert_true(segments(&st) >= SEGMENTS);
    assert_true(try_it(&st, "nothing", 0));
    assert_int_equal(st.outcome.damaged, 0);
    for (int i = 0; i < st.count; i++)
        flip_file(&st, st.names[i], every, &step);
    assert_true(st.outcome.refused > 0);
    assert_true(st.outcome.damaged > 0); /* found by reading */
    stopped_close(&st);
}

/* Makes the file shorter, or gives it other bytes, for one try. */
static bool try_with(struct stopped *st, const char *name, const void *bytes,
                     uint64_t length)
{
    struct sim_disk *whole = st->storm.disk;
    st->storm.disk = sim_disk_copy(whole, 1);
    sim_disk_put(st->storm.disk, name, bytes, length);
    bool is_open = try_it(st, name, length);
    sim_disk_free(st->storm.disk);
    st->storm.disk = whole;
    return is_open;
}

/* Lengths worth trying: those of records and batches too. */
static bool is_edge(const uint8_t *bytes, uint64_t at)
{
    return at % SIM_SECTOR == 0 || memcmp(bytes + at, "JBAT", 4) == 0 ||
           memcmp(bytes + at, "JEND", 4) == 0;
}

static void test_no_file_that_is_cut_short_changes_a_message(void **state)
{
    (void)state;
    static struct stopped st;
    stopped_open(&st, 2, true);
    for (int i = 0; i < st.count; i++) {
        uint64_t bytes = 0;
        if (!is_segment(st.names[i]))
            continue;
        const uint8_t *all = sim_disk_bytes(st.storm.disk, st.names[i], &bytes);
        for (uint64_t at = 0; at + 4 < bytes; at++)
            if (is_edge(all, at))
                (void)try_with(&st, st.names[i], all, at);
        (void)try_with(&st, st.names[i], all, bytes - 1);
    }
    assert_true(st.outcome.refused > 0);
    stopped_close(&st);
}

static void remove_file(struct sim_disk *sim, const char *name)
{
    struct disk disk = sim_disk_calls(sim);
    assert_int_equal(disk.ops->remove(sim, name), 0);
    assert_int_equal(disk.ops->flush_folder(sim), 0);
}

/* The newest one, which names the others and is named by none. */
static bool is_newest(const struct stopped *st, const char *name)
{
    for (int i = 0; i < st->count; i++)
        if (is_segment(st->names[i]) && strcmp(st->names[i], name) > 0)
            return false;
    return is_segment(name);
}

/* That the newest one is missing nobody can tell: the store is then as it was
 * before that began. */
static void test_a_missing_segment_is_noticed(void **state)
{
    (void)state;
    static struct stopped st;
    stopped_open(&st, 3, true);
    for (int i = 0; i < st.count; i++) {
        struct sim_disk *whole = st.storm.disk;
        if (is_newest(&st, st.names[i]))
            continue;
        st.storm.disk = sim_disk_copy(whole, 1);
        remove_file(st.storm.disk, st.names[i]);
        bool is_open = try_it(&st, st.names[i], 0);
        assert_true(!is_open || !is_segment(st.names[i]));
        sim_disk_free(st.storm.disk);
        st.storm.disk = whole;
    }
    stopped_close(&st);
}

static void test_a_segment_under_the_name_of_another_is_noticed(void **state)
{
    (void)state;
    static struct stopped st;
    stopped_open(&st, 4, true);
    for (int i = 0; i < st.count; i++)
        for (int j = 0; j < st.count; j++) {
            uint64_t bytes = 0;
            if (i == j || !is_segment(st.names[i]) || !is_segment(st.names[j]))
                continue;
            const uint8_t *all =
                sim_disk_bytes(st.storm.disk, st.names[i], &bytes);
            assert_false(try_with(&st, st.names[j], all, bytes));
        }
    stopped_close(&st);
}

static void test_a_segment_of_another_store_is_noticed(void **state)
{
    (void)state;
    static struct stopped st, other;
    stopped_open(&st, 5, true);
    stopped_open(&other, 6, true);
    for (int i = 0; i < st.count; i++) {
        uint64_t bytes = 0;
        const uint8_t *all =
            sim_disk_bytes(other.storm.disk, st.names[i], &bytes);
        if (all && is_segment(st.names[i]))
            assert_false(try_with(&st, st.names[i], all, bytes));
    }
    assert_true(st.outcome.refused > 0);
    stopped_close(&other);
    stopped_close(&st);
}

static void test_a_segment_that_is_there_twice_is_noticed(void **state)
{
    (void)state;
    static struct stopped st;
    stopped_open(&st, 7, true);
    uint64_t bytes = 0;
    for (int i = 0; i < st.count; i++) {
        if (!is_segment(st.names[i]))
            continue;
        const uint8_t *all = sim_disk_bytes(st.storm.disk, st.names[i], &bytes);
        assert_false(try_with(&st, "00000000000000ff.seg", all, bytes));
    }
    stopped_close(&st);
}

static void test_a_format_of_another_kind_is_refused(void **state)
{
    (void)state;
    static struct stopped st;
    static const char *const texts[] = {"",
                                        "\n",
                                        "sluice journal 2\nuuid 0\n",
                                        "something else",
                                        "sluice journal 1\n",
                                        "sluice journal 1\nuuid zz\n"};
    stopped_open(&st, 8, true);
    for (size_t i = 0; i < UNIT_COUNT(texts); i++)
        assert_false(try_with(&st, "FORMAT", texts[i], strlen(texts[i])));
    stopped_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_flipped_byte_changes_a_message),
        cmocka_unit_test(test_no_file_that_is_cut_short_changes_a_message),
        cmocka_unit_test(test_a_missing_segment_is_noticed),
        cmocka_unit_test(test_a_segment_under_the_name_of_another_is_noticed),
        cmocka_unit_test(test_a_segment_of_another_store_is_noticed),
        cmocka_unit_test(test_a_segment_that_is_there_twice_is_noticed),
        cmocka_unit_test(test_a_format_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
