/* SPDX-License-Identifier: MIT
 *
 * disk - the file calls that a store makes, in one folder. disk_posix.c makes
 * them for real; the tests have a disk in memory that loses power, fills up and
 * fails. Nothing else in store/ touches the system.
 *
 * Every call returns 0 or an errno. Only the journal's thread calls.
 */
#ifndef SLUICE_STORE_DISK_H
#define SLUICE_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { DISK_NAME_MAX = 31 }; /* characters of a name that a store uses */

/* A name in the folder and its size; of a folder, that of its files. */
typedef void disk_name_fn(void *arg, const char *name, uint64_t bytes);

struct disk_ops {
    /* Opens a file for reading and writing; ENOENT unless it exists or
     * `creates`. *file is closed by close() only. */
    int (*open)(void *folder, const char *name, bool creates, int *file);
    int (*close)(void *folder, int file);
    /* Reserves the file's first `bytes`, so that writing there cannot meet a
     * full disk; its size becomes at least that (posix_fallocate(3)). */
    int (*allocate)(void *folder, int file, uint64_t bytes);
    /* Writes all pieces, which it may change; EIO when the system wrote less
     * without saying why. */
    int (*write)(void *folder, int file, uint64_t offset, struct iovec *pieces,
                 int count);
    /* *got is less than `length` only at the end of the file. */
    int (*read)(void *folder, int file, uint64_t offset, void *into,
                size_t length, size_t *got);
    /* The bytes of the file, and the size that is needed to read them, survive
     * a power cut (fdatasync(2)). After a failure nobody knows what does. */
    int (*flush)(void *folder, int file);
    /* Replaces `to`, at once. */
    int (*rename)(void *folder, const char *from, const char *to);
    int (*remove)(void *folder, const char *name);
    /* What open, rename and remove did to names survives a power cut. */
    int (*flush_folder)(void *folder);
    /* All names, in no order. The folder must not change meanwhile. */
    int (*list)(void *folder, disk_name_fn *each, void *arg);
    /* Bytes that are free for this process. */
    int (*free_bytes)(void *folder, uint64_t *bytes);
};

struct disk {
    const struct disk_ops *ops;
    void *folder; /* first argument of each call */
};

#endif
