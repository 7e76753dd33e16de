/* SPDX-License-Identifier: MIT
 *
 * sim_file - the bytes of a file on a disk that loses power: what readers see,
 * what is durable, and the sectors in between.
 *
 *     write  -->  live, and pending  -- flush -->  durable
 *
 * A power cut keeps each pending sector or loses it, and leaves any size
 * between the durable and the live one.
 */
#ifndef SLUICE_TESTS_STORE_SIM_FILE_H
#define SLUICE_TESTS_STORE_SIM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { SIM_SECTOR = 512 };

struct sim_sector; /* as a write left it */

struct sim_file {
    bool is_used;
    int handles;      /* of the process that has it open */
    uint8_t *live;    /* as large as `room`; NULL when that is 0 */
    uint8_t *durable; /* the same */
    uint64_t room;    /* a multiple of SIM_SECTOR */
    uint64_t bytes;   /* live */
    uint64_t durable_bytes;
    struct sim_sector *pending; /* in the order of writing */
    int pendings, pending_room;
};

/* Forgets everything; also of one that is all zeros. */
void sim_file_clear(struct sim_file *f);
/* Gives a file that is all zeros the bytes of another, durable and pending. */
void sim_file_copy(struct sim_file *f, const struct sim_file *from);

/* What a file of `bytes` occupies. */
static inline uint64_t sim_file_room(uint64_t bytes)
{
    return (bytes + SIM_SECTOR - 1) / SIM_SECTOR * SIM_SECTOR;
}

/* Makes it at least so large, with zeros; nothing is pending for that. */
void sim_file_grow(struct sim_file *f, uint64_t bytes);
/* Writes the first `most` bytes of the pieces. */
void sim_file_write(struct sim_file *f, uint64_t offset,
                    const struct iovec *pieces, int count, uint64_t most);
/* Returns how many bytes there were. */
size_t sim_file_read(const struct sim_file *f, uint64_t offset, void *into,
                     size_t length);

/* What is pending becomes durable. */
void sim_file_flush(struct sim_file *f);
/* A flush that fails: some of it becomes durable, and nothing is pending any
 * more, so that the next flush says that all is well. */
void sim_file_flush_badly(struct sim_file *f, uint64_t *chance);
/* Power is lost. `stale`, which may be NULL, is what lay on the disk where the
 * file grew. */
void sim_file_cut(struct sim_file *f, const struct sim_file *stale,
                  uint64_t *chance);

#endif
