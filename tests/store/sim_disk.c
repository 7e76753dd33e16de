/* SPDX-License-Identifier: MIT */
#include "tests/store/sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/store/sim_folder.h"
#include "tests/unit/chance.h"

/* A sector as a write left it, and the next one of the same file. */
struct sector {
    uint64_t number;
    uint8_t bytes[SIM_SECTOR];
};

struct file {
    bool is_used;
    int handles;
    uint8_t *live;    /* what readers see */
    uint8_t *durable; /* what a cut leaves in any case; as long as live */
    uint64_t bytes;   /* live; a multiple of nothing */
    uint64_t durable_bytes;
    struct sector *pending; /* in order of writing */
    int pendings, pending_room;
};

struct sim_disk {
    struct file files[SIM_FILES];
    struct sim_folder live, durable;
    struct sim_change changes[SIM_CHANGES];
    int change_count;
    uint64_t capacity, changed, stop_at;
    uint64_t calls[SIM_CALLS];
    bool has_fault, has_stopped;
    struct sim_fault fault;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static uint64_t sectors(uint64_t bytes)
{
    return (bytes + SIM_SECTOR - 1) / SIM_SECTOR;
}

struct sim_disk *sim_disk_new(uint64_t capacity)
{
    struct sim_disk *disk = must(calloc(1, sizeof *disk));
    disk->capacity = capacity;
    return disk;
}

static void file_clear(struct file *f)
{
    free(f->live);
    free(f->durable);
    free(f->pending);
    *f = (struct file){0};
}

void sim_disk_free(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++)
        file_clear(&disk->files[i]);
    free(disk);
}

static void *copy_of(const void *bytes, size_t n)
{
    void *copy = must(malloc(n + (n == 0)));
    if (n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

struct sim_disk *sim_disk_copy(const struct sim_disk *disk)
{
    struct sim_disk *copy = copy_of(disk, sizeof *disk);
    for (int i = 0; i < SIM_FILES; i++) {
        struct file *f = &copy->files[i];
        size_t room = (size_t)sectors(f->bytes) * SIM_SECTOR;
        if (!f->is_used)
            continue;
        f->live = copy_of(f->live, room);
        f->durable = copy_of(f->durable, room);
        f->pending =
            copy_of(f->pending, (size_t)f->pendings * sizeof *f->pending);
        f->pending_room = f->pendings;
    }
    sim_disk_kill(copy);
    return copy;
}

static bool is_pending(const struct sim_disk *disk, int file)
{
    for (int i = 0; i < disk->change_count; i++)
        if (disk->changes[i].file == file)
            return true;
    return false;
}

/* Frees the files that nothing can reach any more. */
static void collect(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++) {
        struct file *f = &disk->files[i];
        if (f->is_used && f->handles == 0 && !sim_folder_has(&disk->live, i) &&
            !sim_folder_has(&disk->durable, i) && !is_pending(disk, i))
            file_clear(f);
    }
}

static int file_new(struct sim_disk *disk)
{
    collect(disk);
    for (int i = 0; i < SIM_FILES; i++)
        if (!disk->files[i].is_used) {
            disk->files[i].is_used = true;
            return i;
        }
    abort();
}

static void change_add(struct sim_disk *disk, struct sim_change change)
{
    if (disk->change_count == SIM_CHANGES)
        abort();
    disk->changes[disk->change_count++] = change;
    sim_folder_apply(&disk->live, &change);
}

/* Faults. */

/* 0, or the error with which this call fails. */
static int enter(struct sim_disk *disk, enum sim_call call, bool changes)
{
    const struct sim_fault *f = &disk->fault;
    uint64_t n = ++disk->calls[call];
    if (disk->has_stopped)
        return EIO;
    if (changes && ++disk->changed == disk->stop_at) {
        disk->has_stopped = true;
        return EIO;
    }
    bool fails = disk->has_fault && f->call == call && f->at > 0 &&
                 (n == f->at || (f->stays && n > f->at));
    return fails ? f->error : 0;
}

/* The calls. */

static int sim_open(void *folder, const char *text, bool creates, int *file)
{
    struct sim_disk *disk = folder;
    struct sim_name *n = sim_folder_find(&disk->live, text);
    int error = enter(disk, SIM_OPEN, !n && creates);
    if (error)
        return error;
    if (!n && !creates)
        return ENOENT;
    if (!n) {
        struct sim_change change = {.kind = SIM_CREATED,
                                    .file = file_new(disk)};
        memcpy(change.from, text, strlen(text) + 1);
        change_add(disk, change);
        n = must(sim_folder_find(&disk->live, text));
    }
    disk->files[n->file].handles++;
    *file = n->file;
    return 0;
}

static int sim_close(void *folder, int file)
{
    struct sim_disk *disk = folder;
    if (disk->files[file].handles-- <= 0)
        abort();
    return 0;
}

static uint64_t used_bytes(struct sim_disk *disk)
{
    uint64_t used = 0;
    for (int i = 0; i < SIM_FILES; i++) {
        const struct file *f = &disk->files[i];
        if (f->is_used && (f->handles > 0 || sim_folder_has(&disk->live, i)))
            used += sectors(f->bytes) * SIM_SECTOR;
    }
    return used;
}

static int grow(struct sim_disk *disk, struct file *f, uint64_t bytes)
{
    uint64_t before = sectors(f->bytes), after = sectors(bytes);
    if (bytes <= f->bytes)
        return 0;
    if (after > before) {
        uint64_t used = used_bytes(disk);
        if ((after - before) * SIM_SECTOR >
            (disk->capacity > used ? disk->capacity - used : 0))
            return ENOSPC;
        size_t old = (size_t)before * SIM_SECTOR;
        size_t room = (size_t)after * SIM_SECTOR;
        f->live = must(realloc(f->live, room));
        f->durable = must(realloc(f->durable, room));
        memset(f->live + old, 0, room - old);
        memset(f->durable + old, 0, room - old);
    }
    f->bytes = bytes;
    return 0;
}

static int sim_allocate(void *folder, int file, uint64_t bytes)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_ALLOCATE, true);
    return error ? error : grow(disk, &disk->files[file], bytes);
}

static void write_piece(struct file *f, uint64_t offset,
                        const struct iovec *piece)
{
    if (piece->iov_len == 0)
        return;
    memcpy(f->live + offset, piece->iov_base, piece->iov_len);
}

/* Remembers the sectors from `offset` on as they are now. */
static void note_sectors(struct file *f, uint64_t offset, uint64_t end)
{
    for (uint64_t s = offset / SIM_SECTOR; s < sectors(end); s++) {
        if (f->pendings == f->pending_room) {
            f->pending_room = 2 * f->pending_room + 16;
            f->pending = must(realloc(f->pending, (size_t)f->pending_room *
                                                      sizeof *f->pending));
        }
        struct sector *p = &f->pending[f->pendings++];
        p->number = s;
        memcpy(p->bytes, f->live + s * SIM_SECTOR, SIM_SECTOR);
    }
}

static int sim_write(void *folder, int file, uint64_t offset,
                     const struct iovec *pieces, int count)
{
    struct sim_disk *disk = folder;
    struct file *f = &disk->files[file];
    uint64_t end = offset;
    int error = enter(disk, SIM_WRITE, true);
    if (error)
        return error;
    for (int i = 0; i < count; i++)
        end += pieces[i].iov_len;
    error = grow(disk, f, end);
    if (error)
        return error;
    uint64_t at = offset;
    for (int i = 0; i < count; i++) {
        write_piece(f, at, &pieces[i]);
        at += pieces[i].iov_len;
    }
    if (end > offset)
        note_sectors(f, offset, end);
    return 0;
}

static int sim_read(void *folder, int file, uint64_t offset, void *into,
                    size_t length, size_t *got)
{
    struct sim_disk *disk = folder;
    const struct file *f = &disk->files[file];
    int error = enter(disk, SIM_READ, false);
    if (error)
        return error;
    uint64_t left = offset < f->bytes ? f->bytes - offset : 0;
    *got = length < left ? length : (size_t)left;
    if (*got > 0)
        memcpy(into, f->live + offset, *got);
    return 0;
}

static int sim_flush(void *folder, int file)
{
    struct sim_disk *disk = folder;
    struct file *f = &disk->files[file];
    int error = enter(disk, SIM_FLUSH, true);
    int pendings = f->pendings;
    if (disk->has_stopped)
        return error;
    f->pendings = 0; /* a flush that failed is never tried again */
    if (error)
        return error;
    for (int i = 0; i < pendings; i++)
        memcpy(f->durable + f->pending[i].number * SIM_SECTOR,
               f->pending[i].bytes, SIM_SECTOR);
    f->durable_bytes = f->bytes;
    return 0;
}

static int sim_rename(void *folder, const char *from, const char *to)
{
    struct sim_disk *disk = folder;
    struct sim_name *n = sim_folder_find(&disk->live, from);
    int error = enter(disk, SIM_RENAME, true);
    if (error || !n)
        return error ? error : ENOENT;
    struct sim_change change = {.kind = SIM_RENAMED, .file = n->file};
    memcpy(change.from, from, strlen(from) + 1);
    memcpy(change.to, to, strlen(to) + 1);
    change_add(disk, change);
    return 0;
}

static int sim_remove(void *folder, const char *text)
{
    struct sim_disk *disk = folder;
    struct sim_name *n = sim_folder_find(&disk->live, text);
    int error = enter(disk, SIM_REMOVE, true);
    if (error || !n)
        return error ? error : ENOENT;
    struct sim_change change = {.kind = SIM_REMOVED, .file = n->file};
    memcpy(change.from, text, strlen(text) + 1);
    change_add(disk, change);
    return 0;
}

static int sim_flush_folder(void *folder)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_FLUSH_FOLDER, true);
    if (error)
        return error;
    disk->durable = disk->live;
    disk->change_count = 0;
    return 0;
}

static int sim_list(void *folder, disk_name_fn *each, void *arg)
{
    struct sim_disk *disk = folder;
    int error = enter(disk, SIM_LIST, false);
    for (int i = 0; i < SIM_FILES && !error; i++) {
        const struct sim_name *n = &disk->live.names[i];
        if (n->text[0])
            each(arg, n->text, disk->files[n->file].bytes);
    }
    return error;
}

static int sim_free_bytes(void *folder, uint64_t *bytes)
{
    struct sim_disk *disk = folder;
    uint64_t used = used_bytes(disk);
    *bytes = disk->capacity > used ? disk->capacity - used : 0;
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

/* Ends of a process. */

void sim_disk_kill(struct sim_disk *disk)
{
    for (int i = 0; i < SIM_FILES; i++)
        disk->files[i].handles = 0;
    memset(disk->calls, 0, sizeof disk->calls);
    disk->changed = disk->stop_at = 0;
    disk->has_stopped = disk->has_fault = false;
    collect(disk);
}

/* What allocation may show where nothing was written: what was there before. */
static void leave_stale(struct sim_disk *disk, struct file *f, uint64_t *chance)
{
    const struct file *old = &disk->files[chance_of(chance, SIM_FILES)];
    if (!old->is_used || old == f || chance_of(chance, 4) > 0)
        return;
    for (uint64_t s = sectors(f->durable_bytes);
         s < sectors(f->bytes) && s < sectors(old->bytes); s++)
        memcpy(f->durable + s * SIM_SECTOR, old->live + s * SIM_SECTOR,
               SIM_SECTOR);
}

static void file_cut(struct sim_disk *disk, struct file *f, uint64_t *chance)
{
    uint64_t grown = f->bytes - f->durable_bytes, size = f->bytes;
    leave_stale(disk, f, chance);
    for (int i = 0; i < f->pendings; i++)
        if (chance_of(chance, 2))
            memcpy(f->durable + f->pending[i].number * SIM_SECTOR,
                   f->pending[i].bytes, SIM_SECTOR);
    f->pendings = 0;
    if (grown > 0 && chance_of(chance, 2))
        size = f->durable_bytes + chance_of(chance, (uint32_t)grown + 1);
    uint64_t room = sectors(f->bytes) * SIM_SECTOR;
    if (size < room)
        memset(f->durable + size, 0, (size_t)(room - size));
    f->bytes = f->durable_bytes = size;
    if (room > 0)
        memcpy(f->live, f->durable, (size_t)room);
}

void sim_disk_cut(struct sim_disk *disk, uint64_t *chance)
{
    for (int i = 0; i < disk->change_count; i++)
        if (chance_of(chance, 2))
            sim_folder_apply(&disk->durable, &disk->changes[i]);
    disk->live = disk->durable;
    disk->change_count = 0;
    sim_disk_kill(disk);
    for (int i = 0; i < SIM_FILES; i++)
        if (disk->files[i].is_used)
            file_cut(disk, &disk->files[i], chance);
}

/* For tests. */

uint64_t sim_disk_changes(const struct sim_disk *disk)
{
    return disk->changed;
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
    if (!fault)
        return;
    disk->fault = *fault;
    disk->fault.at += disk->calls[fault->call];
}

void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes)
{
    disk->capacity = bytes;
}

uint8_t *sim_disk_bytes(struct sim_disk *disk, const char *text,
                        uint64_t *bytes)
{
    const struct sim_name *n = sim_folder_find(&disk->live, text);
    if (!n)
        return NULL;
    *bytes = disk->files[n->file].bytes;
    return disk->files[n->file].live;
}

void sim_disk_put(struct sim_disk *disk, const char *name, const void *bytes,
                  uint64_t length)
{
    int file = file_new(disk);
    struct file *f = &disk->files[file];
    if (grow(disk, f, length))
        abort();
    if (length > 0) {
        memcpy(f->live, bytes, (size_t)length);
        memcpy(f->durable, bytes, (size_t)length);
    }
    f->durable_bytes = length;
    sim_folder_set(&disk->live, name, file);
    sim_folder_set(&disk->durable, name, file);
}

int sim_disk_open_files(const struct sim_disk *disk)
{
    int open = 0;
    for (int i = 0; i < SIM_FILES; i++)
        open += disk->files[i].handles;
    return open;
}
