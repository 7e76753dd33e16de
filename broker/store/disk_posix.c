/* SPDX-License-Identifier: MIT */
#include "broker/store/disk_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char lock_name[] = "LOCK";

enum {
    FILE_MODE = 0600,
    PIECES_MAX = 1024, /* as many as pwritev(2) takes */
};

/* Types that statfs(2) names where a flush may return before the bytes are
 * safe, or a lock means nothing to other machines. */
static bool type_is_remote(unsigned long type)
{
    static const unsigned long remote[] = {
        0x6969,     /* NFS */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 */
        0x517b,     /* SMB */
        0x65735546, /* FUSE */
        0x01021997, /* 9p */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
    };
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if (remote[i] == type)
            return true;
    return false;
}

static int error_of(int result)
{
    return result == 0 ? 0 : errno;
}

/* The process that has the lock, as it wrote there itself. */
static int lock_holder(int lock)
{
    char text[16] = "";
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

static void lock_sign(int lock)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    /* For people only. */
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)n, 0) != n)
        return;
}

/* Takes the lock of the folder. */
static int folder_lock(struct disk_posix *d)
{
    struct statfs fs;
    d->lock =
        openat(d->folder, lock_name, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (d->lock < 0)
        return errno;
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        d->other = lock_holder(d->lock);
        (void)close(d->lock);
        return error;
    }
    lock_sign(d->lock);
    d->is_remote = fstatfs(d->folder, &fs) == 0 &&
                   type_is_remote((unsigned long)fs.f_type);
    return 0;
}

int disk_posix_open(struct disk_posix *d, const char *path)
{
    *d = (struct disk_posix){.lock = -1};
    d->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->folder < 0)
        return errno;
    int error = folder_lock(d);
    if (error)
        (void)close(d->folder);
    return error;
}

void disk_posix_close(struct disk_posix *d)
{
    (void)close(d->lock);
    (void)close(d->folder);
}

static int posix_open(void *folder, const char *name, bool creates, int *file)
{
    const struct disk_posix *d = folder;
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creates ? O_CREAT : 0);
    *file = openat(d->folder, name, flags, FILE_MODE);
    return *file < 0 ? errno : 0;
}

static int posix_close(void *folder, int file)
{
    (void)folder;
    return error_of(close(file));
}

static int posix_allocate(void *folder, int file, uint64_t bytes)
{
    (void)folder;
    return posix_fallocate(file, 0, (off_t)bytes);
}

/* A write of less than was asked for is followed by the one that says why, or
 * writes the rest. */
static int posix_write(void *folder, int file, uint64_t offset,
                       struct iovec *pieces, int count)
{
    (void)folder;
    while (count > 0) {
        ssize_t n = 0;
        if (pieces->iov_len > 0) {
            n = pwritev(file, pieces, count < PIECES_MAX ? count : PIECES_MAX,
                        (off_t)offset);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return n < 0 ? errno : EIO;
        }
        offset += (uint64_t)n;
        for (; count > 0 && (size_t)n >= pieces->iov_len; pieces++, count--)
            n -= (ssize_t)pieces->iov_len;
        if (count > 0) {
            pieces->iov_base = (uint8_t *)pieces->iov_base + n;
            pieces->iov_len -= (size_t)n;
        }
    }
    return 0;
}

static int posix_read(void *folder, int file, uint64_t offset, void *into,
                      size_t length, size_t *got)
{
    (void)folder;
    *got = 0;
    while (*got < length) {
        ssize_t n = pread(file, (uint8_t *)into + *got, length - *got,
                          (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

static int posix_flush(void *folder, int file)
{
    (void)folder;
    return error_of(fdatasync(file));
}

static int posix_rename(void *folder, const char *from, const char *to)
{
    const struct disk_posix *d = folder;
    return error_of(renameat(d->folder, from, d->folder, to));
}

static int posix_remove(void *folder, const char *name)
{
    const struct disk_posix *d = folder;
    return error_of(unlinkat(d->folder, name, 0));
}

static int posix_flush_folder(void *folder)
{
    const struct disk_posix *d = folder;
    return error_of(fsync(d->folder));
}

static void add_bytes(void *arg, const char *name, uint64_t bytes)
{
    (void)name;
    *(uint64_t *)arg += bytes;
}

/* The lock is not part of what is listed. A folder has the size of its files,
 * unless it is in another one. */
static int list_at(int folder, const char *path, bool is_inner,
                   disk_name_fn *each, void *arg)
{
    int copy = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = copy < 0 ? NULL : fdopendir(copy);
    if (!names) {
        int error = errno;
        if (copy >= 0)
            (void)close(copy);
        return error;
    }
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(names)) != NULL) {
        const char *name = entry->d_name;
        struct stat st;
        uint64_t bytes = 0;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            strcmp(name, lock_name) == 0 ||
            fstatat(copy, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            bytes = (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && !is_inner)
            (void)list_at(copy, name, true, add_bytes, &bytes);
        each(arg, name, bytes);
    }
    int error = errno;
    (void)closedir(names);
    return error;
}

static int posix_list(void *folder, disk_name_fn *each, void *arg)
{
    const struct disk_posix *d = folder;
    return list_at(d->folder, ".", false, each, arg);
}

static int posix_free_bytes(void *folder, uint64_t *bytes)
{
    const struct disk_posix *d = folder;
    struct statvfs fs;
    if (fstatvfs(d->folder, &fs) != 0)
        return errno;
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}

struct disk disk_posix_calls(struct disk_posix *d)
{
    static const struct disk_ops ops = {
        .open = posix_open,
        .close = posix_close,
        .allocate = posix_allocate,
        .write = posix_write,
        .read = posix_read,
        .flush = posix_flush,
        .rename = posix_rename,
        .remove = posix_remove,
        .flush_folder = posix_flush_folder,
        .list = posix_list,
        .free_bytes = posix_free_bytes,
    };
    return (struct disk){&ops, d};
}
