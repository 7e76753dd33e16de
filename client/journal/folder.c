/* SPDX-License-Identifier: MIT */
#include "client/journal/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/vector.h"
#include "proto/journal_names.h"

enum { PID_BYTES = 16, READ_MOST = 1 << 20 };

static bool folder_add(struct folder *f, const char *name)
{
    uint64_t id = journal_name_segment_id(name);
    struct stat st;
    if (id == 0) {
        f->others += !journal_name_is_known(name);
        return true;
    }
    if (fstatat(f->fd, name, &st, 0) != 0)
        return true; /* it is gone */
    struct folder_file *files =
        vector_grow(f->files, &f->room, f->count, sizeof *files);
    if (!files)
        return false;
    f->files = files;
    files[f->count++] = (struct folder_file){id, (uint64_t)st.st_size};
    f->total_bytes += (uint64_t)st.st_size;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct folder_file *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

bool folder_list(struct folder *f, struct sentence *why)
{
    DIR *dir = opendir(f->path);
    struct dirent *entry;
    bool ok = true;
    if (!dir)
        return sentence_fail(why, "cannot read %s: %s", f->path,
                             strerror(errno));
    f->count = f->others = 0;
    f->total_bytes = 0;
    while (ok && (entry = readdir(dir)) != NULL)
        ok = folder_add(f, entry->d_name);
    closedir(dir);
    if (!ok)
        return sentence_fail(why, "out of memory");
    if (f->count > 0)
        qsort(f->files, f->count, sizeof *f->files, compare);
    return true;
}

/* A broker holds an exclusive lock. */
static void folder_look_at_lock(struct folder *f)
{
    char pid[PID_BYTES] = "";
    f->is_used = f->lock >= 0 && flock(f->lock, LOCK_SH | LOCK_NB) != 0 &&
                 errno == EWOULDBLOCK;
    if (f->lock >= 0 && !f->is_used)
        (void)flock(f->lock, LOCK_UN);
    ssize_t n = f->is_used ? pread(f->lock, pid, sizeof pid - 1, 0) : 0;
    pid[n > 0 ? n : 0] = '\0';
    f->pid = strtol(pid, NULL, 10);
}

bool folder_open(struct folder *f, const char *path, struct sentence *why)
{
    *f = (struct folder){.path = path, .lock = -1};
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return sentence_fail(why, "cannot open %s: %s", path, strerror(errno));
    f->lock = openat(f->fd, JOURNAL_NAME_LOCK, O_RDONLY | O_CLOEXEC);
    folder_look_at_lock(f);
    return folder_list(f, why);
}

void folder_close(struct folder *f)
{
    if (f->lock >= 0)
        close(f->lock);
    if (f->fd >= 0)
        close(f->fd);
    free(f->files);
    *f = (struct folder){.fd = -1, .lock = -1};
}

bool folder_lock(struct folder *f, struct sentence *why)
{
    if (f->lock >= 0)
        close(f->lock);
    f->lock =
        openat(f->fd, JOURNAL_NAME_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock < 0)
        return sentence_fail(why, "cannot open %s/" JOURNAL_NAME_LOCK ": %s",
                             f->path, strerror(errno));
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0) {
        if (ftruncate(f->lock, 0) == 0) /* only to name us to others */
            (void)dprintf(f->lock, "%ld\n", (long)getpid());
        return true;
    }
    folder_look_at_lock(f);
    return sentence_fail(why, "a broker uses %s (pid %ld); stop it first",
                         f->path, f->pid);
}

/* What a disk cannot read is told from what it can, page by page. */
static void read_pages(int fd, uint64_t offset, uint8_t *into, uint64_t length)
{
    for (uint64_t at = 0; at < length; at += JOURNAL_PAGE) {
        uint64_t n = length - at < JOURNAL_PAGE ? length - at : JOURNAL_PAGE;
        if (pread(fd, into + at, (size_t)n, (off_t)(offset + at)) != (ssize_t)n)
            memset(into + at, 0, (size_t)n);
    }
}

/* Reads to `length` bytes, or to the end. */
static int64_t read_all(int fd, uint64_t offset, uint8_t *into, uint64_t length)
{
    uint64_t got = 0;
    while (got < length) {
        uint64_t want = length - got < READ_MOST ? length - got : READ_MOST;
        ssize_t n = pread(fd, into + got, (size_t)want, (off_t)(offset + got));
        if (n == 0)
            break;
        if (n < 0 && errno != EIO)
            return -1;
        if (n < 0) {
            read_pages(fd, offset + got, into + got, want);
            n = (ssize_t)want;
        }
        got += (uint64_t)n;
    }
    return (int64_t)got;
}

int64_t folder_read(const struct folder *f, const char *name, uint64_t offset,
                    void *into, uint64_t length)
{
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int64_t n = read_all(fd, offset, into, length);
    int error = errno;
    close(fd);
    errno = error;
    return n;
}
