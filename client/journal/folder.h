/* SPDX-License-Identifier: MIT
 *
 * folder - the files of a journal, as names and bytes.
 */
#ifndef SLUICE_CLIENT_JOURNAL_FOLDER_H
#define SLUICE_CLIENT_JOURNAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sentence.h"

/* A file that is called like a segment. */
struct folder_file {
    uint64_t id; /* in its name */
    uint64_t bytes;
};

struct folder {
    const char *path; /* borrowed */
    int fd;
    int lock;                  /* descriptor of LOCK, -1: there is none */
    bool is_used;              /* by a broker, */
    long pid;                  /* which is this process; 0: not known */
    struct folder_file *files; /* rising ids */
    size_t count, room;
    uint64_t total_bytes; /* of the files */
    unsigned others;      /* names that no journal has */
};

/* Opens it and lists what is there. False, with a sentence, when that is not
 * possible. Call folder_close() in any case. */
bool folder_open(struct folder *f, const char *path, struct sentence *why);

/* Frees what it holds, and the lock with it. */
void folder_close(struct folder *f);

/* Lists what is there now. The same. */
bool folder_list(struct folder *f, struct sentence *why);

/* Makes this process the only one that uses it. The same. */
bool folder_lock(struct folder *f, struct sentence *why);

/* Reads up to `length` bytes of a file from `offset` on; returns how many there
 * are, -1 with errno when none can be read. Parts that the disk cannot read
 * are zeros. */
int64_t folder_read(const struct folder *f, const char *name, uint64_t offset,
                    void *into, uint64_t length);

#endif
