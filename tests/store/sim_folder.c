/* SPDX-License-Identifier: MIT */
#include "tests/store/sim_folder.h"

#include <stdlib.h>
#include <string.h>

struct sim_name *sim_folder_find(struct sim_folder *folder, const char *text)
{
    for (int i = 0; i < SIM_FILES; i++)
        if (strcmp(folder->names[i].text, text) == 0)
            return &folder->names[i];
    return NULL;
}

void sim_folder_set(struct sim_folder *folder, const char *text, int file)
{
    struct sim_name *n = sim_folder_find(folder, text);
    if (!n)
        n = sim_folder_find(folder, "");
    if (!n)
        abort();
    memcpy(n->text, text, strlen(text) + 1);
    n->file = file;
}

void sim_folder_apply(struct sim_folder *folder,
                      const struct sim_change *change)
{
    struct sim_name *from = sim_folder_find(folder, change->from);
    switch (change->kind) {
    case SIM_CREATED:
        sim_folder_set(folder, change->from, change->file);
        break;
    case SIM_RENAMED:
        /* Without its creation there is nothing to rename. */
        if (!from || from->file != change->file)
            break;
        *from = (struct sim_name){0};
        sim_folder_set(folder, change->to, change->file);
        break;
    case SIM_REMOVED:
        if (from && from->file == change->file)
            *from = (struct sim_name){0};
        break;
    }
}

bool sim_folder_has(const struct sim_folder *folder, int file)
{
    for (int i = 0; i < SIM_FILES; i++)
        if (folder->names[i].text[0] && folder->names[i].file == file)
            return true;
    return false;
}
