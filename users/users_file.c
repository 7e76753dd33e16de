/* SPDX-License-Identifier: MIT */
#include "users/users_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ini.h"
#include "common/mistakes.h"
#include "users/user_draft.h"

/* A user or role that was read. */
struct users_entry {
    struct user *user;
    const char *role; /* NULL when it has none */
    unsigned role_line;
};

struct users_entries {
    size_t count, room;
    struct users_entry *all;
};

struct users_file {
    struct users *users;
    struct mistakes *mistakes; /* know path and line */
    bool has_draft;
    struct user_draft draft; /* of the section that the reader is in */
    bool is_outside;         /* before the first section */
    struct users_entries entries, roles;
};

static void users_file_lack_memory(struct users_file *f)
{
    mistakes_add(f->mistakes, "there is no memory to read it");
}

/* --- sections ------------------------------------------------------------ */

static void users_file_add(struct users_file *f, struct users_entries *to,
                           struct users_entry entry)
{
    if (to->count == to->room) {
        size_t room = to->room > 0 ? 2 * to->room : 16;
        void *grown = realloc(to->all, room * sizeof *to->all);
        if (!grown) {
            users_file_lack_memory(f);
            return;
        }
        to->all = grown;
        to->room = room;
    }
    to->all[to->count++] = entry;
}

static void users_file_end_section(struct users_file *f)
{
    struct user_draft *d = &f->draft;
    unsigned line = f->mistakes->line;
    if (!f->has_draft)
        return;
    f->has_draft = false;
    f->mistakes->line = d->user->line;
    user_draft_end(d);
    users_file_add(f, d->is_role ? &f->roles : &f->entries,
                   (struct users_entry){d->user, d->role, d->role_line});
    f->mistakes->line = line;
}

static void users_file_on_section(void *arg, char *name)
{
    struct users_file *f = arg;
    users_file_end_section(f);
    f->is_outside = false;
    const char *label = name ? ini_label(name, "user") : NULL;
    bool is_role = name && !label;
    if (is_role)
        label = ini_label(name, "role");
    if (!label) {
        if (name)
            mistakes_add(f->mistakes,
                         "[%s] is not a section, which are: [user \"NAME\"], "
                         "[role \"NAME\"]",
                         name);
        return;
    }
    f->draft = (struct user_draft){
        .users = f->users, .mistakes = f->mistakes, .is_role = is_role};
    f->has_draft = user_draft_begin(&f->draft, label);
}

/* The lines of a section that is not one are skipped. */
static void users_file_on_pair(void *arg, const char *key, char *value)
{
    struct users_file *f = arg;
    if (f->is_outside)
        mistakes_add(f->mistakes,
                     "%s: stands before the first section; begin with "
                     "[user \"NAME\"]",
                     key);
    else if (f->has_draft)
        user_draft_set(&f->draft, key, value);
}

/* --- roles --------------------------------------------------------------- */

static int users_entry_compare(const void *a, const void *b)
{
    const struct users_entry *x = a, *y = b;
    int order = strcmp(x->user->name, y->user->name);
    return order != 0 ? order
                      : (x->user->line > y->user->line) -
                            (x->user->line < y->user->line);
}

/* Sorts them, and reports names that are there twice. */
static void users_file_sort(struct users_file *f, struct users_entries *entries,
                            const char *word)
{
    if (entries->count > 0)
        qsort(entries->all, entries->count, sizeof *entries->all,
              users_entry_compare);
    for (size_t i = 1; i < entries->count; i++) {
        const struct user *one = entries->all[i - 1].user,
                          *other = entries->all[i].user;
        if (strcmp(one->name, other->name) != 0)
            continue;
        f->mistakes->line = other->line;
        mistakes_add(f->mistakes, "[%s \"%s\"] begins in line %u already", word,
                     other->name, one->line);
    }
}

static int users_entry_compare_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct users_entry *)entry)->user->name);
}

/* The role's lines behind the user's own. Those of a user without lines are
 * shared. */
static bool users_file_join(struct users_file *f, struct rights_lines *own,
                            const struct rights_lines *role)
{
    if (own->count + role->count > RIGHTS_LINES_MAX)
        return mistakes_add(f->mistakes,
                            "there are more than %d lines of one kind, with "
                            "those of the role",
                            RIGHTS_LINES_MAX);
    if (role->count == 0)
        return true;
    if (own->count == 0) {
        *own = *role;
        return true;
    }
    const struct rights_line **rows = users_allocate(
        f->users, (own->count + role->count) * sizeof(struct rights_line *));
    if (!rows) {
        users_file_lack_memory(f);
        return false;
    }
    memcpy(rows, own->rows, own->count * sizeof *rows);
    memcpy(rows + own->count, role->rows, role->count * sizeof *rows);
    *own = (struct rights_lines){own->count + role->count, rows};
    return true;
}

static void take_limit(uint64_t *own, uint64_t of_role)
{
    *own = *own > 0 ? *own : of_role;
}

static void users_file_give_role(struct users_file *f,
                                 const struct users_entry *entry)
{
    struct user *user = entry->user;
    if (!entry->role)
        return;
    f->mistakes->line = entry->role_line;
    const struct users_entry *found =
        f->roles.count == 0 ? NULL
                            : bsearch(entry->role, f->roles.all, f->roles.count,
                                      sizeof *found, users_entry_compare_name);
    if (!found) {
        mistakes_add(f->mistakes, "role: there is no [role \"%s\"]",
                     entry->role);
        return;
    }
    const struct user *role = found->user;
    user->stamp += role->stamp;
    users_file_join(f, &user->rights.publish, &role->rights.publish);
    users_file_join(f, &user->rights.subscribe, &role->rights.subscribe);
    user->rights.may_monitor |= role->rights.may_monitor;
    take_limit(&user->limits.connections, role->limits.connections);
    take_limit(&user->limits.messages_per_s, role->limits.messages_per_s);
    take_limit(&user->limits.bytes_per_s, role->limits.bytes_per_s);
    take_limit(&user->limits.memory_bytes, role->limits.memory_bytes);
}

/* --- what only one user may show ----------------------------------------- */

static bool credentials_clash(const struct credential *a,
                              const struct credential *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == CREDENTIAL_NETWORK
               ? network_contains(&a->network, &b->network)
               : credential_compare(a, b) == 0;
}

/* Networks nest or are apart, so that one overlaps another only if it lies in
 * the last one that is not itself part of one. */
static void users_file_check_credentials(struct users_file *f)
{
    static const char *const words[] = {
        [CREDENTIAL_TOKEN] = "token",
        [CREDENTIAL_KEY] = "key",
        [CREDENTIAL_CURVE] = "key",
        [CREDENTIAL_CERTIFICATE] = "certificate",
        [CREDENTIAL_UID] = "uid",
        [CREDENTIAL_NETWORK] = "network",
        [CREDENTIAL_PASSWORD] = "password",
        [CREDENTIAL_NOTHING] = USER_ANONYMOUS,
    };
    struct users *u = f->users;
    const struct credential *first = u->credentials;
    if (u->credential_count > 0)
        qsort(u->credentials, u->credential_count, sizeof *u->credentials,
              credential_compare);
    for (size_t i = 1; i < u->credential_count; i++) {
        const struct credential *c = &u->credentials[i];
        if (!credentials_clash(first, c)) {
            first = c;
            continue;
        }
        bool is_before = c->line < first->line;
        f->mistakes->line = is_before ? first->line : c->line;
        mistakes_add(f->mistakes, "%s: %s one of user %s in line %u",
                     words[c->kind],
                     c->kind == CREDENTIAL_NETWORK ? "overlaps" : "is also",
                     (is_before ? c : first)->user->name,
                     is_before ? c->line : first->line);
    }
}

/* --- the file ------------------------------------------------------------ */

static void users_file_finish(struct users_file *f)
{
    struct users_entries *entries = &f->entries;
    users_file_end_section(f);
    users_file_sort(f, &f->roles, "role");
    users_file_sort(f, entries, "user");
    for (size_t i = 0; i < entries->count; i++)
        users_file_give_role(f, &entries->all[i]);
    users_file_check_credentials(f);
    f->users->all = calloc(entries->count + 1, sizeof(struct user *));
    if (!f->users->all) {
        users_file_lack_memory(f);
        return;
    }
    for (size_t i = 0; i < entries->count; i++)
        f->users->all[i] = entries->all[i].user;
    f->users->count = entries->count;
}

struct users *users_file_read(const char *path, struct mistakes *m)
{
    struct users *users = calloc(1, sizeof *users);
    struct users_file *f = calloc(1, sizeof *f);
    size_t before = m->count;
    if (users)
        users->owners = 1;
    if (users && f) {
        *f = (struct users_file){
            .users = users, .mistakes = m, .is_outside = true};
        const struct ini_handler handler = {.on_section = users_file_on_section,
                                            .on_pair = users_file_on_pair,
                                            .arg = f,
                                            .is_secret = true};
        ini_read(path, &handler, m);
        m->place = path;
        users_file_finish(f);
        m->place = NULL;
        m->line = 0;
        free(f->entries.all);
        free(f->roles.all);
    } else {
        mistakes_add(m, "%s: there is no memory to read it", path);
    }
    free(f);
    if (m->count == before)
        return users;
    users_unref(users);
    return NULL;
}
