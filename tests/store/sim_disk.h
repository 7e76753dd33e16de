/* SPDX-License-Identifier: MIT
 *
 * sim_disk - a folder in memory that loses power. What was written and not
 * flushed may survive a cut or not, each sector of each write by itself, and so
 * may each change of a name. A call that fails may have done some of its work;
 * a flush that fails forgets what was to be flushed, as Linux does.
 *
 *     kill         the process ends: files are closed, all else stays
 *     power cut    any subset of what is pending is lost
 *
 * Deterministic: chance comes from a seed.
 */
#ifndef SLUICE_TESTS_STORE_SIM_DISK_H
#define SLUICE_TESTS_STORE_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/disk.h"
#include "tests/store/sim_file.h"

enum sim_call {
    SIM_OPEN,
    SIM_ALLOCATE,
    SIM_WRITE,
    SIM_READ,
    SIM_FLUSH,
    SIM_RENAME,
    SIM_REMOVE,
    SIM_FLUSH_FOLDER,
    SIM_LIST,
    SIM_CALLS,
    SIM_ANY = SIM_CALLS /* of a fault: a call of any kind */
};

/* What goes wrong at the n-th call of a kind, counted from 1. A write does a
 * part of its work first, an allocation on a full disk too. */
struct sim_fault {
    enum sim_call call;
    uint64_t at;
    int error;
    bool stays; /* all calls of the kind from there on */
};

struct sim_disk;

/* An empty folder with room for `capacity` bytes. Aborts without memory. */
struct sim_disk *sim_disk_new(uint64_t capacity, uint64_t seed);
/* Whatever is open in it. */
void sim_disk_free(struct sim_disk *disk);
/* The same contents, pending changes included, and chance of its own; no file
 * is open in it, no fault planted, nobody watches it. */
struct sim_disk *sim_disk_copy(const struct sim_disk *disk, uint64_t seed);

/* The calls, to be given to a store. */
struct disk sim_disk_calls(struct sim_disk *disk);

/* The process ends: every open file is closed. Counters begin again, faults
 * are taken away. */
void sim_disk_kill(struct sim_disk *disk);
/* The same, and power is lost. */
void sim_disk_cut(struct sim_disk *disk);

/* Calls that change something, since the beginning or the last kill. */
uint64_t sim_disk_changes(const struct sim_disk *disk);
/* All calls of a kind, or of all kinds, since then. */
uint64_t sim_disk_calls_made(const struct sim_disk *disk, enum sim_call call);
/* Makes the n-th change from now and all calls after it fail with EIO and have
 * no effect, but for a write that is done in part: the process is to be killed
 * there. 0: never. */
void sim_disk_stop_at(struct sim_disk *disk, uint64_t change);
/* Whether that has come. */
bool sim_disk_has_stopped(const struct sim_disk *disk);
/* Plants a fault; one at a time. NULL takes it away. */
void sim_disk_fail(struct sim_disk *disk, const struct sim_fault *fault);
/* Whether it has come, and at a call of which kind; SIM_CALLS when not. */
enum sim_call sim_disk_failed_at(const struct sim_disk *disk);
/* Calls of a kind since the fault came. */
uint64_t sim_disk_calls_since(const struct sim_disk *disk, enum sim_call call);
/* What free_bytes() and allocations have; files that exist stay. */
void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes);

/* Hears of each change before it is made; may copy the disk, no more. */
typedef void sim_watch_fn(void *arg, enum sim_call call);
/* NULL: nobody. */
void sim_disk_watch(struct sim_disk *disk, sim_watch_fn *watch, void *arg);

/* The bytes of a file as a reader sees them, or NULL. For tests that look or
 * flip bits; such changes survive a kill only. */
uint8_t *sim_disk_bytes(struct sim_disk *disk, const char *name,
                        uint64_t *bytes);
/* Makes, or replaces, a file of these bytes, durable. */
void sim_disk_put(struct sim_disk *disk, const char *name, const void *bytes,
                  uint64_t length);
/* Bytes that files occupy. */
uint64_t sim_disk_used(const struct sim_disk *disk);
/* Open files, 0 when all were closed. */
int sim_disk_open_files(const struct sim_disk *disk);

#endif
