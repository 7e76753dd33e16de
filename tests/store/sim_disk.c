/* SPDX-License-Identifier: MIT */
#include "tests/store/sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/store/sim_names.h"
#include "tests/unit/chance.h"

struct sim_disk {
    struct sim_file files[SIM_FILES];
    struct sim_names names;
    uint64_t capacity, random;
    uint64_t changed, stop_at;     /* stop_at: 0 for never */
    uint64_t calls[SIM_CALLS + 1]; /* the last: all */
    bool has_fault, has_stopped;
    struct sim_fault fault;
    enum sim_call failed_at;            /* SIM_CALLS: it has not come */
    uint64_t calls_then[SIM_CALLS + 1]; /* when it came */
    sim_watch_fn *watch;                /* NULL when nobody does */
    void *watch_arg;
};

struct sim_disk *sim_disk_new(uint64_t capacity, uint64_t seed)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);
    if (!disk)
        abort();
    disk->capacity = capacity;
    disk->random = seed;
    disk->failed_at = SIM_CALLS;
    return disk;
}

void sim_disk_free(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++)
        sim_file_clear(&disk->files[i]);
    free(disk);
}

struct sim_disk *sim_disk_copy(const struct sim_disk *disk, uint64_t seed)
{
    struct sim_disk *copy = sim_disk_new(disk->capacity, seed);
    copy->names = disk->names;
    for (int i = 0; i < SIM_FILES; i++)
        if (disk->files[i].is_used)
            sim_file_copy(&copy->files[i], &disk->files[i]);
    sim_disk_kill(copy);
    return copy;
}

/* Frees the files that nothing can reach any more. */
static void collect(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++) {
        struct sim_file *f = &disk->files[i];
        if (f->is_used && f->handles == 0 && !sim_names_reach(&disk->names, i))
            sim_file_clear(f);
    }
}

static int file_new(struct sim_disk *disk)
{
    for (int tries = 0; tries < 2; tries++) {
        collect(disk);
        for (int i = 0; i < SIM_FILES; i++)
            if (!disk->files[i].is_used) {
                disk->files[i].is_used = true;
                return i;
            }
        sim_names_flush(&disk->names); /* in time the system does it */
    }
    abort();
}

uint64_t sim_disk_used(const struct sim_disk *disk)
{
    uint64_t used = 0;
    for (int i = 0; i < SIM_FILES; i++) {
        const struct sim_file *f = &disk->files[i];
        if (f->is_used && (f->handles > 0 || sim_names_have(&disk->names, i)))
            used += sim_file_room(f->bytes);
    }
    return used;
}

static uint64_t free_now(const struct sim_disk *disk)
{
    uint64_t used = sim_disk_used(disk);
    return disk->capacity > used ? disk->capacity - used : 0;
}

/* 0, or the error with which this call fails. */
static int enter(struct sim_disk *disk, enum sim_call call, bool changes)
{
    const struct sim_fault *f = &disk->fault;
    if (disk->has_stopped)
        return EIO;
    if (changes && disk->watch)
        disk->watch(disk->watch_arg, call);
    disk->calls[call]++;
    disk->calls[SIM_ANY]++;
    if (changes && ++disk->changed == disk->stop_at)
        disk->has_stopped = true;
    if (disk->has_stopped)
        return EIO;
    bool is_its_kind = f->call == call || f->call == SIM_ANY;
    uint64_t n = disk->calls[f->call];
    bool fails = disk->has_fault && is_its_kind &&
                 (n == f->at || (f->stays && n > f->at));
    if (fails && disk->failed_at == SIM_CALLS) {
        disk->failed_at = call;
        memcpy(disk->calls_then, disk->calls, sizeof disk->calls);
    }
    return fails ? f->error : 0;
}

/* Some of the first `n` bytes, or all of them. */
static uint64_t part(struct sim_disk *disk, uint64_t n)
{
    return n == 0 ? 0 : chance_of(&disk->random, (uint32_t)n + 1);
}

static int sim_open(void *folder, const char *name, bool creates, int *file)
{
    struct sim_disk *disk = folder;
    int found = sim_names_find(&disk->names, name);
    int error = enter(disk, SIM_OPEN, found < 0 && creates);
    if (error)
        return error;
    if (found < 0 && !creates)
        return ENOENT;
    if (found < 0) {
        found = file_new(disk);
        sim_names_change(&disk->names, SIM_CREATED, name, NULL, found);
    }
    disk->files[found].handles++;
    *file = found;
    return 0;
}

static int sim_close(void *folder, int file)
{
    struct sim_disk *disk = folder;
    if (disk->files[file].handles-- <= 0)
        abort();
    return 0;
}

/* Whether the file can become so large. */
static bool has_room(const struct sim_disk *disk, const struct sim_file *f,
                     uint64_t bytes)
{
    uint64_t now = sim_file_room(f->bytes), then = sim_file_room(bytes);
    return then <= now || then - now <= free_now(disk);
}

static int sim_allocate(void *folder, int file, uint64_t bytes)
{
    struct sim_disk *disk = folder;
    struct sim_file *f = &disk->files[file];
    int error = enter(disk, SIM_ALLOCATE, true);
    if (error)
        return error;
    if (!has_room(disk, f, bytes)) {
        sim_file_grow(f, f->bytes + part(disk, free_now(disk)));
        return ENOSPC;
    }
    sim_file_grow(f, bytes);
    return 0;
}

static int sim_write(void *folder, int file, uint64_t offset,
                     struct iovec *pieces, int count)
{
    struct sim_disk *disk = folder;
    struct sim_file *f = &disk->files[file];
    bool had_stopped = disk->has_stopped;
    uint64_t length = 0;
    int error = enter(disk, SIM_WRITE, true);
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    if (!error && !has_room(disk, f, offset + length))
        error = ENOSPC;
    uint64_t most = error ? part(disk, length) : length;
    if (had_stopped || (error && !has_room(disk, f, offset + most)))
        return error;
    sim_file_write(f, offset, pieces, count, most);
    return error;
}

static int sim_read(void *folder, int file, uint64_t offset, void *into,
                    size_t length, size_t *got)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_READ, false);
    *got = error ? 0 : sim_file_read(&disk->files[file], offset, into, length);
    return error;
}

static int sim_flush(void *folder, int file)
{
    struct sim_disk *disk = folder;
    struct sim_file *f = &disk->files[file];
    int error = enter(disk, SIM_FLUSH, true);
    if (disk->has_stopped)
        return error;
    if (error)
        sim_file_flush_badly(f, &disk->random);
    else
        sim_file_flush(f);
    return error;
}

static int change(struct sim_disk *disk, enum sim_call call, const char *from,
                  const char *to)
{
    int file = sim_names_find(&disk->names, from);
    int error = enter(disk, call, true);
    if (error || file < 0)
        return error ? error : ENOENT;
    sim_names_change(&disk->names, to ? SIM_RENAMED : SIM_REMOVED, from, to,
                     file);
    return 0;
}

static int sim_rename(void *folder, const char *from, const char *to)
{
    return change(folder, SIM_RENAME, from, to);
}

static int sim_remove(void *folder, const char *name)
{
    return change(folder, SIM_REMOVE, name, NULL);
}

static int sim_flush_folder(void *folder)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_FLUSH_FOLDER, true);
    if (!error)
        sim_names_flush(&disk->names);
    return error;
}

static int sim_list(void *folder, disk_name_fn *each, void *arg)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_LIST, false);
    for (int i = 0; i < SIM_FILES && !error; i++) {
        const struct sim_name *n = &disk->names.live[i];
        if (n->text[0])
            each(arg, n->text, disk->files[n->file].bytes);
    }
    return error;
}

static int sim_free_bytes(void *folder, uint64_t *bytes)
{
    const struct sim_disk *disk = folder;
    *bytes = free_now(disk);
    return disk->has_stopped ? EIO : 0;
}

struct disk sim_disk_calls(struct sim_disk *disk)
{
    static const struct disk_ops ops = {
        .open = sim_open,
        .close = sim_close,
        .allocate = sim_allocate,
        .write = sim_write,
        .read = sim_read,
        .flush = sim_flush,
        .rename = sim_rename,
        .remove = sim_remove,
        .flush_folder = sim_flush_folder,
        .list = sim_list,
        .free_bytes = sim_free_bytes,
    };
    return (struct disk){&ops, disk};
}

void sim_disk_kill(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++)
        disk->files[i].handles = 0;
    memset(disk->calls, 0, sizeof disk->calls);
    disk->changed = disk->stop_at = 0;
    disk->has_stopped = disk->has_fault = false;
    disk->failed_at = SIM_CALLS;
    collect(disk);
}

void sim_disk_cut(struct sim_disk *disk)
{
    sim_names_cut(&disk->names, &disk->random);
    for (int i = 0; i < SIM_FILES; i++) {
        const struct sim_file *stale =
            &disk->files[chance_of(&disk->random, SIM_FILES)];
        if (disk->files[i].is_used)
            sim_file_cut(&disk->files[i], stale->is_used ? stale : NULL,
                         &disk->random);
    }
    sim_disk_kill(disk);
}

uint64_t sim_disk_changes(const struct sim_disk *disk)
{
    return disk->changed;
}

uint64_t sim_disk_calls_made(const struct sim_disk *disk, enum sim_call call)
{
    return disk->calls[call];
}

void sim_disk_stop_at(struct sim_disk *disk, uint64_t change)
{
    disk->stop_at = change == 0 ? 0 : disk->changed + change;
}

bool sim_disk_has_stopped(const struct sim_disk *disk)
{
    return disk->has_stopped;
}

void sim_disk_fail(struct sim_disk *disk, const struct sim_fault *fault)
{
    disk->has_fault = fault != NULL;
    disk->failed_at = SIM_CALLS;
    if (!fault)
        return;
    disk->fault = *fault;
    disk->fault.at += disk->calls[fault->call];
}

enum sim_call sim_disk_failed_at(const struct sim_disk *disk)
{
    return disk->failed_at;
}

uint64_t sim_disk_calls_since(const struct sim_disk *disk, enum sim_call call)
{
    return disk->calls[call] - disk->calls_then[call];
}

void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes)
{
    disk->capacity = bytes;
}

void sim_disk_watch(struct sim_disk *disk, sim_watch_fn *watch, void *arg)
{
    disk->watch = watch;
    disk->watch_arg = arg;
}

uint8_t *sim_disk_bytes(struct sim_disk *disk, const char *name,
                        uint64_t *bytes)
{
    static uint8_t none;
    int file = sim_names_find(&disk->names, name);
    if (file < 0)
        return NULL;
    *bytes = disk->files[file].bytes;
    return *bytes > 0 ? disk->files[file].live : &none;
}

void sim_disk_put(struct sim_disk *disk, const char *name, const void *bytes,
                  uint64_t length)
{
    int file = file_new(disk);
    struct sim_file *f = &disk->files[file];
    const struct iovec piece = {(void *)(uintptr_t)bytes, (size_t)length};
    sim_file_write(f, 0, &piece, 1, length);
    sim_file_flush(f);
    sim_names_put(&disk->names, name, file);
}

int sim_disk_open_files(const struct sim_disk *disk)
{
    int open = 0;
    for (int i = 0; i < SIM_FILES; i++)
        open += disk->files[i].handles;
    return open;
}
