/* SPDX-License-Identifier: MIT */
#include "users/users.h"

#include <stdlib.h>
#include <string.h>

#include "users/users_parts.h"

/* --- one generation ------------------------------------------------------ */

void *users_allocate(struct users *u, size_t bytes)
{
    struct users_memory *memory = calloc(1, sizeof *memory + bytes);
    if (!memory)
        return NULL;
    memory->next = u->memory;
    memory->bytes = bytes;
    u->memory = memory;
    return memory + 1;
}

char *users_copy(struct users *u, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = users_allocate(u, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

struct users *users_ref(struct users *u)
{
    u->owners++;
    return u;
}

/* Hashes and digests are among it. */
void users_unref(struct users *u)
{
    if (!u || --u->owners > 0)
        return;
    while (u->memory) {
        struct users_memory *memory = u->memory;
        u->memory = memory->next;
        explicit_bzero(memory + 1, memory->bytes);
        free(memory);
    }
    free(u->all);
    free(u->credentials);
    free(u);
}

size_t users_count(const struct users *u)
{
    return u->count;
}

const struct user *users_get(const struct users *u, size_t i)
{
    return u->all[i];
}

/* --- who is it? ---------------------------------------------------------- */

const struct user *users_find(const struct users *u, const char *name)
{
    size_t low = 0, high = u->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, u->all[middle]->name);
        if (order == 0)
            return u->all[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t users_place(const struct users *u, const struct user *user)
{
    size_t low = 0, high = u->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(user->name, u->all[middle]->name) <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct users_change users_compare(const struct users *before,
                                  const struct users *after)
{
    struct users_change change = {.added = 0};
    size_t i = 0, n = before ? before->count : 0, j = 0;
    while (i < n || j < after->count) {
        int order = i == n ? 1
                    : j == after->count
                        ? -1
                        : strcmp(before->all[i]->name, after->all[j]->name);
        change.removed += order < 0;
        change.added += order > 0;
        change.changed +=
            order == 0 && before->all[i]->stamp != after->all[j]->stamp;
        i += order <= 0;
        j += order >= 0;
    }
    return change;
}

size_t credential_of_password(const char *name, const char *hash,
                              uint8_t out[CREDENTIAL_PASSWORD_MAX])
{
    size_t first = strlen(name) + 1, second = strlen(hash) + 1;
    memcpy(out, name, first);
    memcpy(out + first, hash, second);
    return first + second;
}

int credential_compare(const void *a, const void *b)
{
    const struct credential *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == CREDENTIAL_NETWORK)
        return network_compare(&x->network, &y->network);
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return memcmp(x->octets, y->octets, x->length);
}

static const struct credential *users_find_octets(const struct users *u,
                                                  enum credential_kind kind,
                                                  const void *octets,
                                                  size_t length)
{
    struct credential sought = {
        .kind = kind, .octets = octets, .length = length};
    return u->credential_count == 0
               ? NULL
               : bsearch(&sought, u->credentials, u->credential_count,
                         sizeof sought, credential_compare);
}

const struct credential *
users_find_token(const struct users *u,
                 const uint8_t digest[SECRET_DIGEST_BYTES])
{
    return users_find_octets(u, CREDENTIAL_TOKEN, digest, SECRET_DIGEST_BYTES);
}

const struct credential *users_find_certificate(const struct users *u,
                                                const char *name)
{
    return users_find_octets(u, CREDENTIAL_CERTIFICATE, name, strlen(name));
}

const struct credential *users_find_uid(const struct users *u, uid_t uid)
{
    return users_find_octets(u, CREDENTIAL_UID, &uid, sizeof uid);
}

/* No networks overlap: only the last that begins before the peer may have
 * it. */
const struct credential *users_find_peer(const struct users *u,
                                         const struct network *peer)
{
    struct credential sought = {.kind = CREDENTIAL_NETWORK, .network = *peer};
    size_t low = 0, high = u->credential_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (credential_compare(&sought, &u->credentials[middle]) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0)
        return NULL;
    const struct credential *last = &u->credentials[low - 1];
    return last->kind == CREDENTIAL_NETWORK &&
                   network_contains(&last->network, peer)
               ? last
               : NULL;
}

const char *users_decoy(const struct users *u)
{
    return u->decoy;
}

const struct credential *users_find_password(const struct users *u,
                                             const struct user *user)
{
    uint8_t octets[CREDENTIAL_PASSWORD_MAX];
    if (!user->password)
        return NULL;
    size_t n = credential_of_password(user->name, user->password, octets);
    return users_find_octets(u, CREDENTIAL_PASSWORD, octets, n);
}

const struct credential *users_find_key(const struct users *u,
                                        const uint8_t key[SECRET_KEY_BYTES])
{
    return users_find_octets(u, CREDENTIAL_KEY, key, SECRET_KEY_BYTES);
}

const struct credential *users_find_curve(const struct users *u,
                                          const char *key)
{
    return users_find_octets(u, CREDENTIAL_CURVE, key, SECRET_CURVE_BYTES);
}

const struct credential *users_find_anonymous(const struct users *u)
{
    return users_find_octets(u, CREDENTIAL_NOTHING, "", 0);
}

const struct credential *users_find_again(const struct users *u,
                                          const struct credential *shown,
                                          const struct network *peer)
{
    if (shown->kind != CREDENTIAL_NETWORK)
        return users_find_octets(u, shown->kind, shown->octets, shown->length);
    return peer ? users_find_peer(u, peer) : NULL;
}

const struct user *credential_user(const struct credential *c)
{
    return c ? c->user : NULL;
}

const char *credential_way(const struct credential *c)
{
    static const char *const ways[] = {
        [CREDENTIAL_TOKEN] = "token",
        [CREDENTIAL_KEY] = "ed25519",
        [CREDENTIAL_CURVE] = "curve",
        [CREDENTIAL_CERTIFICATE] = "certificate",
        [CREDENTIAL_UID] = "uid",
        [CREDENTIAL_NETWORK] = "network",
        [CREDENTIAL_PASSWORD] = "password",
        [CREDENTIAL_NOTHING] = "anonymous",
    };
    return c ? ways[c->kind] : NULL;
}

bool user_may_come_from(const struct user *user, const struct network *peer)
{
    if (!peer || user->from_count == 0)
        return true;
    for (size_t i = 0; i < user->from_count; i++)
        if (network_contains(&user->from[i], peer))
            return true;
    return false;
}
