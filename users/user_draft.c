/* SPDX-License-Identifier: MIT */
#include "users/user_draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mistakes.h"
#include "common/suggest.h"
#include "common/units.h"

#define PATTERN_OF_RIGHTS                                                      \
    "a pattern as in SUB: '*' stands for one segment, '**' at the end for "    \
    "the rest, %%XX for any other octet"

enum { CERTIFICATE_NAME_MAX = 255, UNITS_TEXT_BYTES = 32 };

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static void user_draft_lack_memory(struct user_draft *d)
{
    d->lacks_memory = true;
    mistakes_add(d->mistakes, "there is no memory to read it");
}

/* --- names --------------------------------------------------------------- */

static bool is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

const char *user_name_fault(const char *name)
{
    size_t length = strlen(name);
    if (length == 0)
        return "is empty";
    if (length >= USER_NAME_BYTES)
        return "is longer than 64 characters";
    if (!is_visible(name))
        return "has other characters than visible ASCII";
    return strpbrk(name, "*#+%\"=") ? "has one of the characters * # + % \" ="
                                    : NULL;
}

bool user_draft_begin(struct user_draft *d, const char *name)
{
    const char *fault = user_name_fault(name);
    if (fault)
        return mistakes_add(d->mistakes, "the name '%s' %s", name, fault);
    d->user = users_allocate(d->users, sizeof *d->user);
    if (d->user) {
        d->user->name = users_copy(d->users, name);
        d->user->line = d->mistakes->line;
    }
    if (!d->user || !d->user->name) {
        user_draft_lack_memory(d);
        return false;
    }
    return true;
}

/* --- ways in ------------------------------------------------------------- */

static void user_draft_add_credential(struct user_draft *d,
                                      const struct credential *c)
{
    struct users *u = d->users;
    /* A power of two of them has no room. */
    if ((u->credential_count & (u->credential_count - 1)) == 0) {
        size_t room = u->credential_count ? 2 * u->credential_count : 1;
        void *grown = realloc(u->credentials, room * sizeof *u->credentials);
        if (!grown) {
            user_draft_lack_memory(d);
            return;
        }
        u->credentials = grown;
    }
    struct credential *added = &u->credentials[u->credential_count++];
    *added = *c;
    added->user = d->user;
    added->line = d->mistakes->line;
}

static void user_draft_add_octets(struct user_draft *d,
                                  enum credential_kind kind, const void *octets,
                                  size_t length)
{
    void *copy = users_allocate(d->users, length);
    if (!copy) {
        user_draft_lack_memory(d);
        return;
    }
    memcpy(copy, octets, length);
    user_draft_add_credential(
        d,
        &(struct credential){.kind = kind, .octets = copy, .length = length});
}

/* The hash is in no sentence: logs must not help to guess a password. */
static void set_password(struct user_draft *d, const char *value)
{
    const char *fault = secret_check_hash(value);
    if (fault) {
        mistakes_add(d->mistakes, "password: this %s", fault);
        return;
    }
    d->user->password_line = d->mistakes->line;
    d->user->password = users_copy(d->users, value);
    if (!d->user->password) {
        user_draft_lack_memory(d);
        return;
    }
    uint8_t octets[CREDENTIAL_PASSWORD_MAX];
    if (!d->users->decoy)
        d->users->decoy = d->user->password;
    size_t n = credential_of_password(d->user->name, value, octets);
    user_draft_add_octets(d, CREDENTIAL_PASSWORD, octets, n);
}

static void set_token(struct user_draft *d, const char *value)
{
    uint8_t digest[SECRET_DIGEST_BYTES];
    if (secret_parse_token(value, digest))
        user_draft_add_octets(d, CREDENTIAL_TOKEN, digest, sizeof digest);
    else
        mistakes_add(d->mistakes,
                     "token: this is not sha256: and 64 lower-case hexadecimal "
                     "digits; 'sluice passwd --token' makes a token");
}

/* A value that is no public key may be a secret one: it is not repeated. */
static void set_key(struct user_draft *d, const char *value)
{
    uint8_t key[SECRET_KEY_BYTES];
    const char *curve = secret_find_curve(value);
    if (curve)
        user_draft_add_octets(d, CREDENTIAL_CURVE, curve, SECRET_CURVE_BYTES);
    else if (!secret_parse_key(value, key))
        mistakes_add(d->mistakes,
                     "key: this is not ed25519: and a public key in base64 "
                     "(MCowBQYDK2VwAyEA...), or curve: and one of 'sluice "
                     "keys'");
    else if (secret_key_is_weak(key))
        mistakes_add(d->mistakes,
                     "key: with this one anybody could sign (it is of small "
                     "order); 'openssl genpkey -algorithm ed25519' makes good "
                     "ones");
    else if (d->key_count == USER_KEYS_MAX)
        mistakes_add(d->mistakes, "key: a user has %d at most", USER_KEYS_MAX);
    else {
        memcpy(d->keys[d->key_count++], key, sizeof key);
        user_draft_add_octets(d, CREDENTIAL_KEY, key, sizeof key);
    }
}

static void set_certificate(struct user_draft *d, const char *value)
{
    size_t length = strlen(value);
    if (length > CERTIFICATE_NAME_MAX || !is_visible(value) ||
        strchr(value, '*'))
        mistakes_add(d->mistakes,
                     "certificate: '%s' is not one name of a certificate, "
                     "without '*'",
                     value);
    else
        user_draft_add_octets(d, CREDENTIAL_CERTIFICATE, value, length);
}

static void set_uid(struct user_draft *d, const char *value)
{
    uint64_t number;
    if (!units_parse_count(value, &number) || number >= (uid_t)-1) {
        mistakes_add(d->mistakes, "uid: '%s' is not the number of a user",
                     value);
        return;
    }
    uid_t uid = (uid_t)number;
    user_draft_add_octets(d, CREDENTIAL_UID, &uid, sizeof uid);
}

static bool user_draft_read_network(struct user_draft *d, const char *key,
                                    const char *value, struct network *out)
{
    const char *fault = network_parse(value, out);
    return !fault ||
           mistakes_add(d->mistakes, "%s: '%s' %s", key, value, fault);
}

static void set_network(struct user_draft *d, const char *value)
{
    struct credential c = {.kind = CREDENTIAL_NETWORK};
    if (user_draft_read_network(d, "network", value, &c.network))
        user_draft_add_credential(d, &c);
}

static void set_from(struct user_draft *d, const char *value)
{
    struct network network;
    if (!user_draft_read_network(d, "from", value, &network))
        return;
    if (d->from_count == USER_NETWORKS_MAX)
        mistakes_add(d->mistakes, "from: a user has %d at most",
                     USER_NETWORKS_MAX);
    else
        d->from[d->from_count++] = network;
}

static void set_role(struct user_draft *d, const char *value)
{
    d->role = users_copy(d->users, value);
    d->role_line = d->mistakes->line;
    if (!d->role)
        user_draft_lack_memory(d);
}

/* --- rights -------------------------------------------------------------- */

static void user_draft_add_line(struct user_draft *d, const char *key,
                                const char *value,
                                const struct rights_line **rows, size_t *count)
{
    struct pattern pattern;
    if (!pattern_read(&pattern, span_of(value))) {
        mistakes_add(d->mistakes, "%s: '%s' is not " PATTERN_OF_RIGHTS, key,
                     value);
        return;
    }
    if (*count == RIGHTS_LINES_MAX) {
        mistakes_add(d->mistakes, "%s: there are %d lines at most", key,
                     RIGHTS_LINES_MAX);
        return;
    }
    struct rights_line *line = users_allocate(d->users, sizeof *line);
    if (!line) {
        user_draft_lack_memory(d);
        return;
    }
    *line = (struct rights_line){pattern, d->mistakes->line};
    rows[(*count)++] = line;
}

static void set_publish(struct user_draft *d, const char *value)
{
    user_draft_add_line(d, "publish", value, d->publish, &d->publish_count);
}

static void set_subscribe(struct user_draft *d, const char *value)
{
    user_draft_add_line(d, "subscribe", value, d->subscribe,
                        &d->subscribe_count);
}

static void set_monitor(struct user_draft *d, const char *value)
{
    if (strcmp(value, "yes") == 0)
        d->user->rights.may_monitor = true;
    else if (strcmp(value, "no") != 0)
        mistakes_add(d->mistakes, "monitor: '%s' is not yes or no", value);
}

/* --- limits -------------------------------------------------------------- */

static void user_draft_set_limit(struct user_draft *d, const char *key,
                                 const char *value,
                                 bool (*parse)(const char *, uint64_t *),
                                 const char *form, uint64_t *limit)
{
    if (!parse(value, limit) || *limit == 0)
        mistakes_add(d->mistakes, "%s: '%s' is not %s, above 0", key, value,
                     form);
}

/* A number with "/s" behind it. */
static void user_draft_set_rate(struct user_draft *d, const char *key,
                                const char *value,
                                bool (*parse)(const char *, uint64_t *),
                                const char *form, uint64_t *limit)
{
    char number[UNITS_TEXT_BYTES];
    size_t length = strlen(value);
    bool is_rate = length > 2 && length - 2 < sizeof number &&
                   strcmp(value + length - 2, "/s") == 0;
    if (is_rate)
        snprintf(number, sizeof number, "%.*s", (int)(length - 2), value);
    if (!is_rate || !parse(number, limit) || *limit == 0)
        mistakes_add(d->mistakes, "%s: '%s' is not %s, above 0, and /s behind",
                     key, value, form);
}

static void set_connections(struct user_draft *d, const char *value)
{
    user_draft_set_limit(d, "connections", value, units_parse_count,
                         UNITS_COUNT_FORM, &d->user->limits.connections);
}

static void set_messages(struct user_draft *d, const char *value)
{
    user_draft_set_rate(d, "messages", value, units_parse_count,
                        UNITS_COUNT_FORM, &d->user->limits.messages_per_s);
}

static void set_bytes(struct user_draft *d, const char *value)
{
    user_draft_set_rate(d, "bytes", value, units_parse_size, UNITS_SIZE_FORM,
                        &d->user->limits.bytes_per_s);
}

static void set_memory(struct user_draft *d, const char *value)
{
    user_draft_set_limit(d, "memory", value, units_parse_size, UNITS_SIZE_FORM,
                         &d->user->limits.memory_bytes);
}

/* --- the keys ------------------------------------------------------------ */

static const struct draft_key {
    const char *name;
    bool is_way, is_for_roles, may_repeat;
    void (*set)(struct user_draft *d, const char *value);
} draft_keys[] = {
    {"role", false, false, false, set_role},
    {"password", true, false, false, set_password},
    {"token", true, false, true, set_token},
    {"key", true, false, true, set_key},
    {"certificate", true, false, true, set_certificate},
    {"uid", true, false, true, set_uid},
    {"network", true, false, true, set_network},
    {"from", false, false, true, set_from},
    {"publish", false, true, true, set_publish},
    {"subscribe", false, true, true, set_subscribe},
    {"monitor", false, true, false, set_monitor},
    {"connections", false, true, false, set_connections},
    {"messages", false, true, false, set_messages},
    {"bytes", false, true, false, set_bytes},
    {"memory", false, true, false, set_memory},
};

#define DRAFT_KEYS (sizeof draft_keys / sizeof *draft_keys)

_Static_assert(DRAFT_KEYS <= DRAFT_KEYS_MAX, "each has its line");

static void user_draft_reject_key(struct user_draft *d, const char *key)
{
    struct suggestion suggestion = suggest_for(key);
    for (size_t i = 0; i < DRAFT_KEYS; i++)
        if (!d->is_role || draft_keys[i].is_for_roles)
            suggest_try(&suggestion, draft_keys[i].name);
    mistakes_add(
        d->mistakes, "'%s' is not a key of a %s%s%s%s", key,
        d->is_role ? "role" : "user", suggestion.best ? "; did you mean '" : "",
        suggestion.best ? suggestion.best : "", suggestion.best ? "'?" : "");
}

/* As FNV-1a does; with the end, so that what is between two texts counts. */
static void user_draft_stamp(struct user_draft *d, const char *text)
{
    uint64_t stamp = d->user->stamp ^ FNV_BASIS;
    const char *end = text + strlen(text) + 1;
    for (; text < end; text++)
        stamp = (stamp ^ (uint8_t)*text) * FNV_PRIME;
    d->user->stamp = stamp;
}

void user_draft_set(struct user_draft *d, const char *key, const char *value)
{
    size_t i = 0;
    user_draft_stamp(d, key);
    user_draft_stamp(d, value);
    while (i < DRAFT_KEYS && strcmp(draft_keys[i].name, key) != 0)
        i++;
    if (i == DRAFT_KEYS)
        user_draft_reject_key(d, key);
    else if (d->is_role && !draft_keys[i].is_for_roles)
        mistakes_add(d->mistakes, "%s: only a user has one, a role does not",
                     key);
    else if (d->lines[i] > 0 && !draft_keys[i].may_repeat)
        mistakes_add(d->mistakes, "%s: was set in line %u already", key,
                     d->lines[i]);
    else if (*value == '\0')
        mistakes_add(d->mistakes, "%s: there is nothing behind it", key);
    else
        draft_keys[i].set(d, value);
    if (i < DRAFT_KEYS && d->lines[i] == 0)
        d->lines[i] = d->mistakes->line;
}

/* --- the end ------------------------------------------------------------- */

/* NULL when there are none. */
static void *user_draft_copy(struct user_draft *d, const void *from,
                             size_t count, size_t each)
{
    void *copy = count > 0 ? users_allocate(d->users, count * each) : NULL;
    if (copy)
        memcpy(copy, from, count * each);
    else if (count > 0)
        user_draft_lack_memory(d);
    return copy;
}

static bool user_draft_has_way(const struct user_draft *d)
{
    for (size_t i = 0; i < DRAFT_KEYS; i++)
        if (draft_keys[i].is_way && d->lines[i] > 0)
            return true;
    return false;
}

/* "anonymous" is who shows nothing: with a way in it would be somebody. */
static bool user_draft_check_ways(struct user_draft *d)
{
    bool is_anonymous = strcmp(d->user->name, USER_ANONYMOUS) == 0;
    if (d->is_role || user_draft_has_way(d) != is_anonymous)
        return true;
    if (is_anonymous)
        return mistakes_add(d->mistakes,
                            "[user \"" USER_ANONYMOUS "\"] is who shows "
                            "nothing, and can have no password or other way "
                            "to show who it is");
    return mistakes_add(d->mistakes,
                        "[user \"%s\"] has no way in: no password, token, key, "
                        "certificate, uid or network",
                        d->user->name);
}

bool user_draft_end(struct user_draft *d)
{
    struct user *user = d->user;
    struct rights *rights = &user->rights;
    user->key_count = d->key_count;
    user->keys = user_draft_copy(d, d->keys, d->key_count, sizeof *d->keys);
    user->from_count = d->from_count;
    user->from = user_draft_copy(d, d->from, d->from_count, sizeof *d->from);
    rights->publish.count = d->publish_count;
    rights->publish.rows =
        user_draft_copy(d, d->publish, d->publish_count, sizeof *d->publish);
    rights->subscribe.count = d->subscribe_count;
    rights->subscribe.rows = user_draft_copy(
        d, d->subscribe, d->subscribe_count, sizeof *d->subscribe);
    if (!d->is_role && strcmp(user->name, USER_ANONYMOUS) == 0)
        user_draft_add_octets(d, CREDENTIAL_NOTHING, "", 0);
    return user_draft_check_ways(d) && !d->lacks_memory;
}
