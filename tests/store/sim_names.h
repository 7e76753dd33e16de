/* SPDX-License-Identifier: MIT
 *
 * sim_names - the names in a folder on a disk that loses power. Each change of
 * a name that was not flushed may survive a cut or not, by itself; a rename is
 * there as a whole or not at all.
 */
#ifndef SLUICE_TESTS_STORE_SIM_NAMES_H
#define SLUICE_TESTS_STORE_SIM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/disk.h"

enum { SIM_FILES = 96, SIM_CHANGES = 256 };

struct sim_name {
    char text[DISK_NAME_MAX + 1]; /* "" when free */
    int file;                     /* number */
};

enum sim_change_kind { SIM_CREATED, SIM_RENAMED, SIM_REMOVED };

struct sim_change {
    enum sim_change_kind kind;
    char from[DISK_NAME_MAX + 1], to[DISK_NAME_MAX + 1];
    int file;
};

struct sim_names {
    struct sim_name live[SIM_FILES], durable[SIM_FILES];
    struct sim_change changes[SIM_CHANGES]; /* not flushed, in order */
    int change_count;
};

/* The file of a name as the process sees it; -1: there is none. */
int sim_names_find(const struct sim_names *names, const char *text);
/* Notes a change and shows it to the process. `to` of a rename, else NULL. */
void sim_names_change(struct sim_names *names, enum sim_change_kind kind,
                      const char *from, const char *to, int file);
/* Makes a name that is durable at once. */
void sim_names_put(struct sim_names *names, const char *text, int file);

/* Whether the process, or it after any power cut, can find the file. */
bool sim_names_reach(const struct sim_names *names, int file);
/* Whether it has a name now. */
bool sim_names_have(const struct sim_names *names, int file);

/* What was changed becomes durable. */
void sim_names_flush(struct sim_names *names);
/* Power is lost: any of the changes are, too. */
void sim_names_cut(struct sim_names *names, uint64_t *chance);

#endif
