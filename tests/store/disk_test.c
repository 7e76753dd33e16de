/* SPDX-License-Identifier: MIT
 *
 * What a store may rely on, of a folder of the file system and of the disk that
 * the other tests use in its place.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/store/disk_posix.h"
#include "tests/store/sim_disk.h"

struct listing {
    int names;
    uint64_t bytes;
};

static void count_name(void *arg, const char *name, uint64_t bytes)
{
    struct listing *listing = arg;
    assert_true(strlen(name) <= DISK_NAME_MAX);
    listing->names++;
    listing->bytes += bytes;
}

static void keeps_its_contract(struct disk disk)
{
    int file = -1;
    char first[] = "first, ", second[] = "second", got[32] = "";
    size_t length = 0;
    struct iovec pieces[] = {{first, 7}, {NULL, 0}, {second, 6}};
    struct listing listing = {0, 0};
    uint64_t free_bytes = 0;

    assert_int_equal(disk.ops->open(disk.folder, "a", false, &file), ENOENT);
    assert_int_equal(disk.ops->open(disk.folder, "a", true, &file), 0);
    assert_int_equal(disk.ops->allocate(disk.folder, file, 8192), 0);
    assert_int_equal(disk.ops->write(disk.folder, file, 8185, pieces, 3), 0);
    assert_int_equal(disk.ops->flush(disk.folder, file), 0);
    assert_int_equal(
        disk.ops->read(disk.folder, file, 8185, got, sizeof got, &length), 0);
    assert_int_equal(length, 13);
    assert_string_equal(got, "first, second");
    assert_int_equal(disk.ops->close(disk.folder, file), 0);

    assert_int_equal(disk.ops->rename(disk.folder, "a", "b"), 0);
    assert_int_equal(disk.ops->flush_folder(disk.folder), 0);
    assert_int_equal(disk.ops->open(disk.folder, "a", false, &file), ENOENT);
    assert_int_equal(disk.ops->list(disk.folder, count_name, &listing), 0);
    assert_int_equal(listing.names, 1);
    assert_int_equal(listing.bytes, 8198);
    assert_int_equal(disk.ops->remove(disk.folder, "b"), 0);
    assert_int_equal(disk.ops->remove(disk.folder, "b"), ENOENT);
    assert_int_equal(disk.ops->free_bytes(disk.folder, &free_bytes), 0);
    assert_true(free_bytes > 0);
}

static void the_simulated_disk_keeps_the_contract(void **state)
{
    (void)state;
    struct sim_disk *sim = sim_disk_new(1 << 20, 1);
    keeps_its_contract(sim_disk_calls(sim));
    assert_int_equal(sim_disk_open_files(sim), 0);
    sim_disk_free(sim);
}

static void a_folder_keeps_the_contract(void **state)
{
    (void)state;
    char path[] = "/tmp/sluice-disk-XXXXXX", lock[64];
    struct disk_posix folder, other;
    assert_non_null(mkdtemp(path));
    assert_int_equal(disk_posix_open(&folder, path), 0);
    keeps_its_contract(disk_posix_calls(&folder));
    assert_int_equal(disk_posix_open(&other, path), EWOULDBLOCK);
    assert_int_equal(other.other, (int)getpid());
    disk_posix_close(&folder);
    assert_int_equal(disk_posix_open(&folder, path), 0);
    disk_posix_close(&folder);
    (void)snprintf(lock, sizeof lock, "%s/LOCK", path);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(disk_posix_open(&folder, path), ENOENT);
}

/* As `damaged/` does, which repair leaves. */
static void a_folder_in_the_folder_counts_with_its_files(void **state)
{
    (void)state;
    char path[] = "/tmp/sluice-disk-XXXXXX", name[64];
    struct disk_posix folder;
    struct listing listing = {0, 0};
    assert_non_null(mkdtemp(path));
    assert_int_equal(disk_posix_open(&folder, path), 0);
    struct disk disk = disk_posix_calls(&folder);
    (void)snprintf(name, sizeof name, "%s/damaged", path);
    assert_int_equal(mkdir(name, 0700), 0);
    (void)snprintf(name, sizeof name, "%s/damaged/a", path);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "1234567", 7), 7);
    assert_int_equal(close(file), 0);
    assert_int_equal(disk.ops->list(disk.folder, count_name, &listing), 0);
    assert_int_equal(listing.names, 1);
    assert_int_equal(listing.bytes, 7);
    disk_posix_close(&folder);
    static const char *const left[] = {"damaged/a", "damaged", "LOCK", ""};
    for (size_t i = 0; i < UNIT_COUNT(left); i++) {
        (void)snprintf(name, sizeof name, "%s/%s", path, left[i]);
        assert_int_equal(remove(name), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_disk_keeps_the_contract),
        cmocka_unit_test(a_folder_keeps_the_contract),
        cmocka_unit_test(a_folder_in_the_folder_counts_with_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
