/* SPDX-License-Identifier: MIT */
#include "broker/options/door.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "broker/options/options.h"
#include "common/address.h"
#include "common/loopback.h"
#include "common/mistakes.h"
#include "common/sentence.h"
#include "common/suggest.h"

enum {
    WORDS_MAX = 4,
    TYPED_BYTES = 40, /* of what is compared with words: all are shorter */
    LIST_BYTES = 64,  /* of the values of a word, in a sentence */
};

static const char unix_prefix[] = "unix:";

static const struct door_row {
    const char *name; /* of the option */
    const char *port; /* of an address without one */
    const char *open; /* what everybody may do where nobody is asked */
    size_t offset;    /* of an option_value, in struct options */
} door_rows[DOOR_KINDS] = {
    [DOOR_LISTEN] = {"listen", SLUICE_DEFAULT_PORT, "do everything",
                     offsetof(struct options, listen)},
    [DOOR_HTTP] = {"http", SLUICE_DEFAULT_HTTP_PORT, "read all documents",
                   offsetof(struct options, http)},
};

/* The words, in the order of their enumerations. */
static const struct word_row {
    const char *name;
    size_t offset; /* of an unsigned, in struct door */
    const char *words[WORDS_MAX];
    bool is_for_listen; /* and for nothing else */
} word_rows[] = {
    {"tls",
     offsetof(struct door, tls),
     {"none", "allowed", "required", "undecided"},
     false},
    {"auth",
     offsetof(struct door, auth),
     {"none", "required", "undecided"},
     false},
    {"v1", offsetof(struct door, takes_v1), {"no", "yes"}, true},
};

enum { WORD_ROWS = sizeof word_rows / sizeof *word_rows };

/* --- reading -------------------------------------------------------------- */

static bool is_word(const char *text, size_t n, const char *word)
{
    return word && strlen(word) == n && memcmp(word, text, n) == 0;
}

/* NULL behind the last: "undecided" is not a word that can be given. */
static const char *word_value(const struct word_row *row, unsigned i)
{
    const char *word = i < WORDS_MAX ? row->words[i] : NULL;
    return word && strcmp(word, "undecided") != 0 ? word : NULL;
}

static bool door_set(struct door *d, const struct word_row *row,
                     const char *value, size_t n)
{
    unsigned *field = (unsigned *)(void *)((char *)d + row->offset);
    for (unsigned i = 0; word_value(row, i); i++)
        if (is_word(value, n, word_value(row, i))) {
            *field = i;
            return true;
        }
    return false;
}

static bool word_is_for(const struct word_row *row, enum door_kind kind)
{
    return kind == DOOR_LISTEN || !row->is_for_listen;
}

/* Names the words that there are, and the one that was probably meant. */
static bool door_refuse_name(enum door_kind kind, const char *word, size_t n,
                             struct sentence *why)
{
    char name[TYPED_BYTES];
    size_t equals = strcspn(word, "= ");
    snprintf(name, sizeof name, "%.*s", (int)equals, word);
    struct suggestion near = suggest_for(name);
    for (unsigned i = 0; i < WORD_ROWS; i++)
        if (word_is_for(&word_rows[i], kind))
            suggest_try(&near, word_rows[i].name);
    bool is_near = near.best && near.distance < equals;
    return sentence_fail(
        why, "has the word '%.*s', and there are only %s%s%s%s", (int)n, word,
        kind == DOOR_LISTEN ? "tls=, auth= and v1=" : "tls= and auth=",
        is_near ? "; did you mean " : "", is_near ? near.best : "",
        is_near ? "=?" : "");
}

static bool door_refuse_value(const struct word_row *row, const char *word,
                              size_t n, struct sentence *why)
{
    char list[LIST_BYTES] = "", value[TYPED_BYTES];
    size_t name = strlen(row->name) + 1;
    snprintf(value, sizeof value, "%.*s", (int)(n - name), word + name);
    struct suggestion near = suggest_for(value);
    for (unsigned i = 0; word_value(row, i); i++) {
        size_t at = strlen(list);
        const char *before = i == 0                    ? ""
                             : !word_value(row, i + 1) ? " or "
                                                       : ", ";
        snprintf(list + at, sizeof list - at, "%s%s=%s", before, row->name,
                 word_value(row, i));
        suggest_try(&near, word_value(row, i));
    }
    bool is_near = near.best && near.distance <= strlen(value);
    return sentence_fail(why, "has the word '%.*s', which is not %s%s%s%s%s%s",
                         (int)n, word, list, is_near ? "; did you mean " : "",
                         is_near ? row->name : "", is_near ? "=" : "",
                         is_near ? near.best : "", is_near ? "?" : "");
}

/* Takes one word; `given` has a bit for each that was. */
static bool door_take(struct door *d, const char *word, size_t n,
                      unsigned *given, struct sentence *why)
{
    const char *equals = memchr(word, '=', n);
    size_t name = (size_t)(equals - word);
    for (unsigned i = 0; i < WORD_ROWS; i++) {
        const struct word_row *row = &word_rows[i];
        if (!is_word(word, name, row->name) || !word_is_for(row, d->kind))
            continue;
        if (*given & 1u << i)
            return sentence_fail(why, "has %s= twice", row->name);
        *given |= 1u << i;
        return door_set(d, row, equals + 1, n - name - 1) ||
               door_refuse_value(row, word, n, why);
    }
    return door_refuse_name(d->kind, word, n, why);
}

/* Where the last of `n` octets' words begins: 0 when they do not end with one.
 * The path of a socket may have spaces in it, so the words are taken from the
 * end. */
static size_t last_word(const char *text, size_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t at = n;
    while (at > 0 && text[at - 1] != ' ')
        at--;
    size_t name = strspn(text + at, letters);
    return name > 0 && text[at + name] == '=' ? at : 0;
}

static bool is_local(enum door_kind kind, const char *address)
{
    struct sluice_address a;
    if (strncmp(address, unix_prefix, strlen(unix_prefix)) == 0)
        return true;
    return sluice_address_parse(address, door_rows[kind].port, &a) &&
           loopback_is_host(a.host);
}

static struct door door_at(enum door_kind kind, const char *address)
{
    struct door d = {.kind = kind,
                     .tls = DOOR_TLS_UNDECIDED,
                     .auth = DOOR_AUTH_UNDECIDED,
                     .takes_v1 = 1,
                     .is_local = is_local(kind, address)};
    size_t n = strlen(address);
    if (n < sizeof d.address)
        memcpy(d.address, address, n);
    return d;
}

struct door door_of_socket(const char *address)
{
    return door_at(DOOR_LISTEN, address);
}

/* What is left of the text without its words. A word may be among it that has
 * no '=' behind it, or nothing before it. */
static bool door_check_address(const struct door *d, struct sentence *why)
{
    struct sluice_address parsed;
    const char *word = strrchr(d->address, ' ');
    bool is_path = strncmp(d->address, unix_prefix, strlen(unix_prefix)) == 0;
    if (!is_path && word && word > d->address)
        return door_refuse_name(d->kind, word + 1, strlen(word + 1), why);
    bool is_good =
        (is_path || !strchr(d->address, '=')) &&
        sluice_address_parse(d->address, door_rows[d->kind].port, &parsed);
    return is_good || sentence_fail(why, "is not " DOOR_FORM);
}

bool door_parse(enum door_kind kind, const char *text, struct door *out,
                struct sentence *why)
{
    struct door d = door_at(kind, "");
    size_t n = strlen(text), at;
    unsigned given = 0;
    while ((at = last_word(text, n)) > 0) {
        if (!door_take(&d, text + at, n - at, &given, why))
            return false;
        for (n = at; n > 0 && text[n - 1] == ' ';)
            n--;
    }
    if (n >= sizeof d.address)
        return sentence_fail(why, "is not " DOOR_FORM);
    memcpy(d.address, text, n);
    d.is_local = is_local(kind, d.address);
    *out = d;
    return door_check_address(&d, why);
}

/* --- deciding ------------------------------------------------------------- */

static const char key_and_certificate[] = "--tls-cert and --tls-key";

static bool door_refuse_words(const struct door *d, const char *word,
                              const char *needs, struct sentence *why)
{
    return sentence_fail(why, "%s %s: %s needs %s", door_rows[d->kind].name,
                         d->address, word, needs);
}

/* Names what would decide it, and the words that decide otherwise. */
static bool door_refuse(const struct door *d, bool lacks_auth, bool lacks_tls,
                        struct sentence *why)
{
    static const char users[] = "--users FILE (sluice passwd makes it)",
                      files[] = "--tls-cert and --tls-key (sluice cert makes "
                                "them)";
    const struct door_row *row = &door_rows[d->kind];
    return sentence_fail(
        why, "%s %s: %s; add %s%s%s, or write '%s%s%s' if %s%s%s", row->name,
        d->address,
        lacks_auth ? "nobody would be asked who they are there"
                   : "all that is sent there could be read",
        lacks_auth ? users : "", lacks_auth && lacks_tls ? " and " : "",
        lacks_tls ? files : "", d->address,
        lacks_auth || d->auth == DOOR_AUTH_NONE ? " auth=none" : "",
        lacks_tls || d->tls == DOOR_TLS_NONE ? " tls=none" : "",
        lacks_auth ? "every client that can connect may "
                   : "others may read it, secrets included",
        lacks_auth ? row->open : "",
        lacks_auth && lacks_tls ? ", and others may read it" : "");
}

bool door_decide(struct door *d, const struct options *o, struct sentence *why)
{
    bool has_users = o->users.text != NULL, has_tls = o->tls_cert.count > 0;
    if (d->auth == DOOR_AUTH_REQUIRED && !has_users)
        return door_refuse_words(d, "auth=required", "--users FILE", why);
    if (d->tls == DOOR_TLS_ALLOWED && !has_tls)
        return door_refuse_words(d, "tls=allowed", key_and_certificate, why);
    if (d->tls == DOOR_TLS_REQUIRED && !has_tls)
        return door_refuse_words(d, "tls=required", key_and_certificate, why);
    if (d->auth == DOOR_AUTH_UNDECIDED && (has_users || d->is_local))
        d->auth = has_users ? DOOR_AUTH_REQUIRED : DOOR_AUTH_NONE;
    if (d->tls == DOOR_TLS_UNDECIDED && d->is_local)
        d->tls = has_tls ? DOOR_TLS_ALLOWED : DOOR_TLS_NONE;
    else if (d->tls == DOOR_TLS_UNDECIDED && has_tls)
        d->tls = DOOR_TLS_REQUIRED;
    bool lacks_auth = d->auth == DOOR_AUTH_UNDECIDED,
         lacks_tls = d->tls == DOOR_TLS_UNDECIDED;
    return (!lacks_auth && !lacks_tls) ||
           door_refuse(d, lacks_auth, lacks_tls, why);
}

static const struct option_value *door_values(const struct options *o,
                                              enum door_kind kind)
{
    return (const void *)((const char *)o + door_rows[kind].offset);
}

static bool door_check_kind(const struct options *o, enum door_kind kind,
                            struct mistakes *m)
{
    const struct option_value *values = door_values(o, kind);
    struct sentence why;
    struct door door;
    bool is_good = true;
    for (size_t i = 0; i < values->count; i++)
        if (door_parse(kind, values->texts[i], &door, &why) &&
            !door_decide(&door, o, &why))
            is_good = mistakes_add(m, "%s", why.text);
    return is_good;
}

bool door_check_all(const struct options *o, struct mistakes *m)
{
    bool is_good = door_check_kind(o, DOOR_LISTEN, m);
    return door_check_kind(o, DOOR_HTTP, m) && is_good;
}

/* --- words ---------------------------------------------------------------- */

const char *door_tls_word(const struct door *d)
{
    return word_rows[0].words[d->tls];
}

const char *door_auth_word(const struct door *d)
{
    return word_rows[1].words[d->auth];
}

void door_write_all(const struct options *o, FILE *out)
{
    struct sentence why;
    struct door d;
    for (size_t i = 0; i < o->listen.count; i++)
        if (door_parse(DOOR_LISTEN, o->listen.texts[i], &d, &why) &&
            door_decide(&d, o, &why))
            fprintf(out, "; %s demands tls=%s auth=%s v1=%s\n", d.address,
                    door_tls_word(&d), door_auth_word(&d),
                    word_rows[2].words[d.takes_v1]);
    for (size_t i = 0; i < o->http.count; i++)
        if (door_parse(DOOR_HTTP, o->http.texts[i], &d, &why) &&
            door_decide(&d, o, &why))
            fprintf(out, "; http %s demands tls=%s auth=%s\n", d.address,
                    door_tls_word(&d), door_auth_word(&d));
}
