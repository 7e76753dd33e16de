/* SPDX-License-Identifier: MIT
 *
 * storm - a run of the simulation of a store: some lives of it on one disk, one
 * after another, each ended by a kill, a power cut or in order; and, before
 * changes of the disk by chance, lives on copies of it that crash there.
 */
#ifndef SLUICE_TESTS_STORE_STORM_H
#define SLUICE_TESTS_STORE_STORM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/store/life.h"
#include "tests/store/model.h"

struct sim_disk;

/* What runs came across. */
struct storm_counts {
    struct model_counts model;
    uint64_t states; /* crashes, each recovered from and compared */
    uint64_t cuts, kills, in_recovery, deepest;
    uint64_t lives, ends_in_order, full, opened_again;
    uint64_t batches, segments, moved_bytes; /* by those ended in order */
};

/* Bytes that decide in the place of chance; with the last of them the run comes
 * to its end. */
struct storm_script {
    const uint8_t *at, *end;
};

struct storm {
    uint64_t seed, random;
    struct storm_script script;
    struct storm_counts *counts;
    struct sim_disk *disk;
    struct model model;
    struct life life;
    struct life_bounds bounds;
    uint32_t channels;   /* that may be open */
    uint32_t explode;    /* one of so many changes; 0: none */
    bool may_fail;       /* a call of the disk does */
    bool has_long;       /* messages that are larger than a segment */
    char complaint[240]; /* "" while all is well */
};

/* One run; `script` may be NULL. False: s->complaint says why. What it has is
 * freed. */
bool storm_run(struct storm *s, uint64_t seed,
               const struct storm_script *script, struct storm_counts *counts);

/* The pieces of a run: the disk and the model, without a life. */
void storm_begin(struct storm *s, uint64_t seed, struct storm_counts *counts);
/* The next life, in which the disk does not stop. False: see complaint. */
bool storm_open(struct storm *s);
/* The end of a life in order; or as it comes, with the power or without it. */
bool storm_close(struct storm *s);
void storm_break(struct storm *s);
/* Frees all. */
void storm_end(struct storm *s);

/* Ends `disk` as a crash does, opens it again and compares; the recovery itself
 * may crash, too. `disk` is changed. */
bool storm_crash(struct storm *s, struct sim_disk *disk);

/* A number below `n` by chance. */
uint32_t storm_chance(struct storm *s, uint32_t n);
/* Notes what is wrong; returns false. */
bool storm_complain(struct storm *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
