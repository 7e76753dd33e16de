/* SPDX-License-Identifier: MIT */
#include "tests/store/sim_names.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/chance.h"

static int place_of(const struct sim_name *names, const char *text)
{
    for (int i = 0; i < SIM_FILES; i++)
        if (names[i].text[0] == text[0] && strcmp(names[i].text, text) == 0)
            return i;
    return -1;
}

static void name_set(struct sim_name *names, const char *text, int file)
{
    int place = place_of(names, text);
    if (place < 0)
        place = place_of(names, "");
    if (place < 0 || strlen(text) > DISK_NAME_MAX)
        abort();
    memcpy(names[place].text, text, strlen(text) + 1);
    names[place].file = file;
}

static bool have(const struct sim_name *names, int file)
{
    for (int i = 0; i < SIM_FILES; i++)
        if (names[i].text[0] && names[i].file == file)
            return true;
    return false;
}

static void change_apply(struct sim_name *names, const struct sim_change *c)
{
    int from = place_of(names, c->from);
    if (c->kind == SIM_CREATED) {
        name_set(names, c->from, c->file);
        return;
    }
    /* Where an earlier change was lost there may be nothing, or another file,
     * to rename or remove. */
    if (from < 0 || names[from].file != c->file)
        return;
    names[from] = (struct sim_name){0};
    if (c->kind == SIM_RENAMED)
        name_set(names, c->to, c->file);
}

int sim_names_find(const struct sim_names *names, const char *text)
{
    int place = place_of(names->live, text);
    return place < 0 ? -1 : names->live[place].file;
}

void sim_names_change(struct sim_names *names, enum sim_change_kind kind,
                      const char *from, const char *to, int file)
{
    if (strlen(from) > DISK_NAME_MAX || (to && strlen(to) > DISK_NAME_MAX))
        abort();
    if (names->change_count == SIM_CHANGES)
        sim_names_flush(names); /* in time the system does it */
    struct sim_change *c = &names->changes[names->change_count++];
    *c = (struct sim_change){.kind = kind, .file = file};
    memcpy(c->from, from, strlen(from) + 1);
    if (to)
        memcpy(c->to, to, strlen(to) + 1);
    change_apply(names->live, c);
}

void sim_names_put(struct sim_names *names, const char *text, int file)
{
    name_set(names->live, text, file);
    name_set(names->durable, text, file);
}

bool sim_names_have(const struct sim_names *names, int file)
{
    return have(names->live, file);
}

bool sim_names_reach(const struct sim_names *names, int file)
{
    for (int i = 0; i < names->change_count; i++)
        if (names->changes[i].file == file)
            return true;
    return have(names->live, file) || have(names->durable, file);
}

void sim_names_flush(struct sim_names *names)
{
    memcpy(names->durable, names->live, sizeof names->durable);
    names->change_count = 0;
}

void sim_names_cut(struct sim_names *names, uint64_t *chance)
{
    for (int i = 0; i < names->change_count; i++)
        if (chance_of(chance, 2))
            change_apply(names->durable, &names->changes[i]);
    memcpy(names->live, names->durable, sizeof names->live);
    names->change_count = 0;
}
