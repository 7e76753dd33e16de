/* SPDX-License-Identifier: MIT */
#include "client/lib/permission.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PERMISSION_PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path),
    PERMISSION_NAME_BYTES = 64,
    PERMISSION_ROW_BYTES = 4096, /* of a database of users or groups */
    PERMISSION_GROUPS = 1024,    /* that a process is looked for in */
};

/* Shortens a path to its folder. False when there is nothing above it. */
static bool permission_climb(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

/* The deepest part of `path` that can be looked at. Anything below it cannot,
 * so unless it is the socket itself, it is the folder that is closed. */
static bool permission_find(char *path, struct stat *st)
{
    while (stat(path, st) != 0)
        if (errno != EACCES || !permission_climb(path))
            return false;
    return true;
}

static bool permission_has_group(gid_t group)
{
    gid_t all[PERMISSION_GROUPS];
    int count = getgroups(PERMISSION_GROUPS, all);
    for (int i = 0; i < count; i++)
        if (all[i] == group)
            return true;
    return group == getegid();
}

/* The reentrant calls: other handles may be used by other threads. */
static void permission_name_group(gid_t id, char name[PERMISSION_NAME_BYTES])
{
    struct group row, *found = NULL;
    char bytes[PERMISSION_ROW_BYTES];
    if (getgrgid_r(id, &row, bytes, sizeof bytes, &found) == 0 && found)
        snprintf(name, PERMISSION_NAME_BYTES, "'%s'", row.gr_name);
    else
        snprintf(name, PERMISSION_NAME_BYTES, "%u", (unsigned)id);
}

static void permission_name_user(uid_t id, char name[PERMISSION_NAME_BYTES])
{
    struct passwd row, *found = NULL;
    char bytes[PERMISSION_ROW_BYTES];
    if (getpwuid_r(id, &row, bytes, sizeof bytes, &found) == 0 && found)
        snprintf(name, PERMISSION_NAME_BYTES, "'%s'", row.pw_name);
    else
        snprintf(name, PERMISSION_NAME_BYTES, "%u", (unsigned)id);
}

void sluice_permission_explain(const char *path, char *out, size_t room)
{
    char closed[PERMISSION_PATH_BYTES], name[PERMISSION_NAME_BYTES];
    struct stat st;
    *out = '\0';
    snprintf(closed, sizeof closed, "%s", path);
    if (!permission_find(closed, &st))
        return;
    bool is_folder = S_ISDIR(st.st_mode); /* is searched; a socket is written */
    mode_t user = is_folder ? S_IXUSR : S_IWUSR;
    mode_t group = is_folder ? S_IXGRP : S_IWGRP;
    if (geteuid() == st.st_uid)
        return;
    if (st.st_mode & group && !permission_has_group(st.st_gid)) {
        permission_name_group(st.st_gid, name);
        snprintf(out, room, "you are not in group %s of %s", name, closed);
    } else if (st.st_mode & user && !(st.st_mode & group)) {
        permission_name_user(st.st_uid, name);
        snprintf(out, room, "only user %s may use %s", name, closed);
    }
}
