/* SPDX-License-Identifier: MIT
 *
 * What the disk in memory does to a program that trusts it too much. Where
 * chance decides, each outcome must be seen, and no other.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "tests/store/sim_disk.h"

enum { SEEDS = 400, ROOM = 1 << 20, SECTORS = 4 };

/* A disk with an open file. */
struct bench {
    struct sim_disk *sim;
    struct disk disk;
    int file;
};

static struct bench bench_open(uint64_t seed)
{
    struct bench b = {.sim = sim_disk_new(ROOM, seed)};
    b.disk = sim_disk_calls(b.sim);
    assert_int_equal(b.disk.ops->open(b.sim, "a", true, &b.file), 0);
    return b;
}

static int put(struct bench *b, uint64_t offset, size_t length, uint8_t byte)
{
    uint8_t bytes[SECTORS * SIM_SECTOR];
    struct iovec piece = {bytes, length};
    assert_true(length <= sizeof bytes);
    memset(bytes, byte, length);
    return b->disk.ops->write(b->sim, b->file, offset, &piece, 1);
}

static int flush(struct bench *b)
{
    return b->disk.ops->flush(b->sim, b->file);
}

static int flush_folder(struct bench *b)
{
    return b->disk.ops->flush_folder(b->sim);
}

/* The file has four sectors of ones, durable. */
static struct bench bench_of_sectors(uint64_t seed)
{
    struct bench b = bench_open(seed);
    assert_int_equal(put(&b, 0, SECTORS * SIM_SECTOR, 1), 0);
    assert_int_equal(flush(&b), 0);
    assert_int_equal(flush_folder(&b), 0);
    return b;
}

static uint8_t byte_at(struct bench *b, const char *name, uint64_t offset)
{
    uint64_t bytes = 0;
    const uint8_t *all = sim_disk_bytes(b->sim, name, &bytes);
    assert_non_null(all);
    assert_true(offset < bytes);
    return all[offset];
}

static bool has(struct bench *b, const char *name)
{
    uint64_t bytes;
    return sim_disk_bytes(b->sim, name, &bytes) != NULL;
}

/* The sectors of "a" that hold `byte`, as bits; the others hold 1. */
static uint32_t sectors_with(struct bench *b, uint8_t byte)
{
    uint32_t bits = 0;
    for (uint32_t s = 0; s < SECTORS; s++) {
        uint8_t first = byte_at(b, "a", s * SIM_SECTOR);
        assert_int_equal(first, byte_at(b, "a", (s + 1) * SIM_SECTOR - 1));
        assert_true(first == 1 || first == byte);
        bits |= (first == byte ? 1u : 0u) << s;
    }
    return bits;
}

static void test_a_cut_keeps_any_sectors_of_a_write(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(put(&b, 0, SECTORS * SIM_SECTOR, 2), 0);
        assert_int_equal(sectors_with(&b, 2), (1 << SECTORS) - 1);
        sim_disk_cut(b.sim);
        seen |= 1u << sectors_with(&b, 2);
        sim_disk_free(b.sim);
    }
    assert_int_equal(seen, 0xffff);
}

static void test_a_cut_chooses_among_writes_of_one_sector(void **state)
{
    (void)state;
    bool seen[4] = {false};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(put(&b, 0, 1, 2), 0);
        assert_int_equal(put(&b, 0, 1, 3), 0);
        sim_disk_cut(b.sim);
        uint8_t byte = byte_at(&b, "a", 0);
        assert_true(byte >= 1 && byte <= 3);
        seen[byte] = true;
        sim_disk_free(b.sim);
    }
    assert_true(seen[1] && seen[2] && seen[3]);
}

static void test_what_was_flushed_survives_every_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(put(&b, 0, SECTORS * SIM_SECTOR, 2), 0);
        assert_int_equal(flush(&b), 0);
        sim_disk_cut(b.sim);
        assert_int_equal(sectors_with(&b, 2), (1 << SECTORS) - 1);
        sim_disk_free(b.sim);
    }
}

static void test_a_cut_leaves_any_size_of_a_file_that_grew(void **state)
{
    (void)state;
    uint64_t least = ROOM, most = 0;
    uint32_t between = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        uint64_t bytes = 0;
        assert_int_equal(b.disk.ops->allocate(b.sim, b.file, 3000), 0);
        sim_disk_cut(b.sim);
        assert_non_null(sim_disk_bytes(b.sim, "a", &bytes));
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
        between += bytes > SECTORS * SIM_SECTOR && bytes < 3000;
        sim_disk_free(b.sim);
    }
    assert_true(least >= SECTORS * SIM_SECTOR);
    assert_int_equal(most, 3000);
    assert_true(between > 10);
}

static void test_allocated_bytes_may_be_stale_after_a_cut(void **state)
{
    (void)state;
    uint32_t zeros = 0, stale = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        int other;
        uint64_t bytes = 0;
        assert_int_equal(b.disk.ops->open(b.sim, "b", true, &other), 0);
        assert_int_equal(flush_folder(&b), 0);
        assert_int_equal(b.disk.ops->allocate(b.sim, other, SIM_SECTOR), 0);
        sim_disk_cut(b.sim);
        const uint8_t *all = sim_disk_bytes(b.sim, "b", &bytes);
        zeros += bytes > 0 && all[0] == 0;
        stale += bytes > 0 && all[0] == 1;
        sim_disk_free(b.sim);
    }
    assert_true(zeros > 0 && stale > 0);
}

static void test_a_cut_keeps_any_changes_of_the_folder(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        int other;
        assert_int_equal(b.disk.ops->open(b.sim, "b", true, &other), 0);
        assert_int_equal(b.disk.ops->flush(b.sim, other), 0);
        assert_int_equal(b.disk.ops->remove(b.sim, "a"), 0);
        assert_true(has(&b, "b") && !has(&b, "a"));
        sim_disk_cut(b.sim);
        seen |= 1u << (2 * has(&b, "a") + has(&b, "b"));
        sim_disk_free(b.sim);
    }
    assert_int_equal(seen, 0xf); /* a flush of the bytes saves no name */
}

static void test_a_rename_is_there_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    uint32_t renamed = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        sim_disk_put(b.sim, "b", "old", 3);
        assert_int_equal(b.disk.ops->rename(b.sim, "a", "b"), 0);
        sim_disk_cut(b.sim);
        bool is_new = byte_at(&b, "b", 0) == 1;
        assert_true(is_new || byte_at(&b, "b", 0) == 'o');
        assert_int_equal(has(&b, "a"), !is_new);
        renamed += is_new;
        sim_disk_free(b.sim);
    }
    assert_true(renamed > 0 && renamed < SEEDS);
}

static void test_flushed_changes_of_the_folder_survive_every_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(b.disk.ops->rename(b.sim, "a", "b"), 0);
        assert_int_equal(flush_folder(&b), 0);
        sim_disk_cut(b.sim);
        assert_true(has(&b, "b") && !has(&b, "a"));
        sim_disk_free(b.sim);
    }
}

static void
test_after_a_kill_what_is_pending_is_read_and_may_be_lost(void **state)
{
    (void)state;
    uint32_t lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(put(&b, 0, 1, 2), 0);
        sim_disk_kill(b.sim);
        assert_int_equal(sim_disk_open_files(b.sim), 0);
        assert_int_equal(byte_at(&b, "a", 0), 2);
        sim_disk_cut(b.sim);
        lost += byte_at(&b, "a", 0) == 1;
        sim_disk_free(b.sim);
    }
    assert_true(lost > 0 && lost < SEEDS);
}

static void test_a_flush_that_failed_is_forgotten_by_the_next(void **state)
{
    (void)state;
    const struct sim_fault fault = {SIM_FLUSH, 1, EIO, false};
    uint32_t lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_of_sectors(seed);
        assert_int_equal(put(&b, 0, 1, 2), 0);
        sim_disk_fail(b.sim, &fault);
        assert_int_equal(flush(&b), EIO);
        assert_int_equal(flush(&b), 0);
        assert_int_equal(byte_at(&b, "a", 0), 2);
        sim_disk_cut(b.sim);
        lost += byte_at(&b, "a", 0) == 1;
        sim_disk_free(b.sim);
    }
    assert_true(lost > 0 && lost < SEEDS);
}

static void test_the_nth_call_fails_once_or_from_there_on(void **state)
{
    (void)state;
    struct bench b = bench_open(1);
    sim_disk_fail(b.sim, &(struct sim_fault){SIM_WRITE, 2, ENOSPC, false});
    assert_int_equal(put(&b, 0, 1, 1), 0);
    assert_int_equal(put(&b, 0, 1, 1), ENOSPC);
    assert_int_equal(put(&b, 0, 1, 1), 0);
    sim_disk_fail(b.sim, &(struct sim_fault){SIM_ANY, 2, EIO, true});
    assert_int_equal(put(&b, 0, 1, 1), 0);
    assert_int_equal(flush(&b), EIO);
    assert_int_equal(put(&b, 0, 1, 1), EIO);
    assert_int_equal(sim_disk_failed_at(b.sim), SIM_FLUSH);
    assert_int_equal(sim_disk_calls_since(b.sim, SIM_WRITE), 1);
    assert_int_equal(sim_disk_calls_since(b.sim, SIM_FLUSH), 0);
    sim_disk_fail(b.sim, NULL);
    assert_int_equal(sim_disk_failed_at(b.sim), SIM_CALLS);
    assert_int_equal(flush(&b), 0);
    assert_int_equal(sim_disk_calls_made(b.sim, SIM_WRITE), 5);
    sim_disk_free(b.sim);
}

static void test_a_write_that_fails_is_done_in_part(void **state)
{
    (void)state;
    uint64_t least = ROOM, most = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b = bench_open(seed);
        uint64_t bytes = 0;
        sim_disk_fail(b.sim, &(struct sim_fault){SIM_WRITE, 1, EIO, false});
        assert_int_equal(put(&b, 0, 1000, 2), EIO);
        assert_non_null(sim_disk_bytes(b.sim, "a", &bytes));
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
        sim_disk_free(b.sim);
    }
    assert_true(least < 100 && most > 900 && most <= 1000);
}

static void test_a_disk_that_has_stopped_does_nothing_more(void **state)
{
    (void)state;
    struct bench b = bench_of_sectors(1);
    sim_disk_stop_at(b.sim, 2);
    assert_int_equal(put(&b, 0, 1, 2), 0);
    assert_false(sim_disk_has_stopped(b.sim));
    assert_int_equal(flush(&b), EIO);
    assert_true(sim_disk_has_stopped(b.sim));
    assert_int_equal(put(&b, 0, 1, 3), EIO);
    assert_int_equal(b.disk.ops->remove(b.sim, "a"), EIO);
    assert_int_equal(byte_at(&b, "a", 0), 2);
    sim_disk_kill(b.sim);
    assert_int_equal(sim_disk_changes(b.sim), 0);
    assert_int_equal(b.disk.ops->open(b.sim, "a", false, &b.file), 0);
    assert_int_equal(put(&b, 0, 1, 3), 0);
    sim_disk_free(b.sim);
}

static void test_a_full_disk_refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct bench b = bench_of_sectors(1);
    uint64_t left = 0;
    sim_disk_set_capacity(b.sim, 6 * SIM_SECTOR);
    assert_int_equal(b.disk.ops->free_bytes(b.sim, &left), 0);
    assert_int_equal(left, 2 * SIM_SECTOR);
    assert_int_equal(b.disk.ops->allocate(b.sim, b.file, 8 * SIM_SECTOR),
                     ENOSPC);
    assert_true(sim_disk_used(b.sim) <= 6 * SIM_SECTOR);
    assert_int_equal(put(&b, 0, SIM_SECTOR, 2), 0); /* has its place */
    assert_int_equal(put(&b, 7 * SIM_SECTOR, 1, 2), ENOSPC);
    assert_int_equal(b.disk.ops->remove(b.sim, "a"), 0);
    assert_int_equal(b.disk.ops->close(b.sim, b.file), 0);
    assert_int_equal(b.disk.ops->free_bytes(b.sim, &left), 0);
    assert_int_equal(left, 6 * SIM_SECTOR);
    sim_disk_free(b.sim);
}

struct heard {
    struct sim_disk *sim;
    int calls[SIM_CALLS];
    uint8_t before; /* the first byte of "a" when it was written */
};

static void hear(void *arg, enum sim_call call)
{
    struct heard *heard = arg;
    struct sim_disk *copy = sim_disk_copy(heard->sim, 1);
    uint64_t bytes;
    heard->calls[call]++;
    if (call == SIM_WRITE)
        heard->before = *sim_disk_bytes(copy, "a", &bytes);
    sim_disk_free(copy);
}

static void test_who_watches_sees_the_disk_before_each_change(void **state)
{
    (void)state;
    struct bench b = bench_of_sectors(1);
    struct heard heard = {.sim = b.sim};
    uint8_t byte;
    size_t got;
    sim_disk_watch(b.sim, hear, &heard);
    assert_int_equal(put(&b, 0, 1, 2), 0);
    assert_int_equal(b.disk.ops->read(b.sim, b.file, 0, &byte, 1, &got), 0);
    assert_int_equal(flush(&b), 0);
    assert_int_equal(heard.calls[SIM_WRITE], 1);
    assert_int_equal(heard.calls[SIM_FLUSH], 1);
    assert_int_equal(heard.calls[SIM_READ], 0);
    assert_int_equal(heard.before, 1);
    sim_disk_free(b.sim);
}

static void test_a_copy_has_what_is_pending_and_a_life_of_its_own(void **state)
{
    (void)state;
    uint32_t lost = 0;
    struct bench b = bench_of_sectors(1);
    assert_int_equal(put(&b, 0, 1, 2), 0);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench copy = {.sim = sim_disk_copy(b.sim, seed)};
        assert_int_equal(byte_at(&copy, "a", 0), 2);
        sim_disk_cut(copy.sim);
        lost += byte_at(&copy, "a", 0) == 1;
        sim_disk_free(copy.sim);
    }
    assert_true(lost > 0 && lost < SEEDS);
    assert_int_equal(byte_at(&b, "a", 0), 2);
    assert_int_equal(sim_disk_open_files(b.sim), 1);
    sim_disk_free(b.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_keeps_any_sectors_of_a_write),
        cmocka_unit_test(test_a_cut_chooses_among_writes_of_one_sector),
        cmocka_unit_test(test_what_was_flushed_survives_every_cut),
        cmocka_unit_test(test_a_cut_leaves_any_size_of_a_file_that_grew),
        cmocka_unit_test(test_allocated_bytes_may_be_stale_after_a_cut),
        cmocka_unit_test(test_a_cut_keeps_any_changes_of_the_folder),
        cmocka_unit_test(test_a_rename_is_there_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_flushed_changes_of_the_folder_survive_every_cut),
        cmocka_unit_test(
            test_after_a_kill_what_is_pending_is_read_and_may_be_lost),
        cmocka_unit_test(test_a_flush_that_failed_is_forgotten_by_the_next),
        cmocka_unit_test(test_the_nth_call_fails_once_or_from_there_on),
        cmocka_unit_test(test_a_write_that_fails_is_done_in_part),
        cmocka_unit_test(test_a_disk_that_has_stopped_does_nothing_more),
        cmocka_unit_test(test_a_full_disk_refuses_what_does_not_fit),
        cmocka_unit_test(test_who_watches_sees_the_disk_before_each_change),
        cmocka_unit_test(test_a_copy_has_what_is_pending_and_a_life_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
