/* SPDX-License-Identifier: MIT
 *
 * disk_posix - a folder of the file system as the disk of a store. One process
 * at a time has it: it is locked while it is open.
 */
#ifndef SLUICE_STORE_DISK_POSIX_H
#define SLUICE_STORE_DISK_POSIX_H

#include <stdbool.h>

#include "broker/store/disk.h"

struct disk_posix {
    int folder, lock; /* file descriptors */
    bool is_remote;   /* of a kind where flushes, or locks, may not hold */
    int other;        /* process that has the lock; 0 when unknown */
};

/* Opens a folder that exists and locks it. EWOULDBLOCK when another process has
 * it, ENOTDIR, EACCES, ENOENT, ... */
int disk_posix_open(struct disk_posix *d, const char *path);

/* The calls; `d` must stay where it is. */
struct disk disk_posix_calls(struct disk_posix *d);

/* Unlocks and closes the folder. Its files must be closed. */
void disk_posix_close(struct disk_posix *d);

#endif
