/* SPDX-License-Identifier: MIT
 *
 * sim_folder - names of files in the folder of a simulated disk, and changes of
 * them that may or may not survive.
 */
#ifndef SLUICE_TESTS_STORE_SIM_FOLDER_H
#define SLUICE_TESTS_STORE_SIM_FOLDER_H

#include <stdbool.h>

#include "broker/store/disk.h"

enum { SIM_FILES = 96 };

struct sim_name {
    char text[DISK_NAME_MAX + 1]; /* "" when free */
    int file;
};

struct sim_folder {
    struct sim_name names[SIM_FILES];
};

enum sim_change_kind { SIM_CREATED, SIM_RENAMED, SIM_REMOVED };

struct sim_change {
    enum sim_change_kind kind;
    char from[DISK_NAME_MAX + 1];
    char to[DISK_NAME_MAX + 1]; /* of a renamed one */
    int file;
};

/* The name, or NULL; "" finds a free place. */
struct sim_name *sim_folder_find(struct sim_folder *folder, const char *text);

/* Gives the file this name, whatever had it. Aborts without room. */
void sim_folder_set(struct sim_folder *folder, const char *text, int file);

/* Makes the change, unless what it builds upon has not been made. */
void sim_folder_apply(struct sim_folder *folder,
                      const struct sim_change *change);

/* Whether the file has a name. */
bool sim_folder_has(const struct sim_folder *folder, int file);

#endif
