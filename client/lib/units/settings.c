/* SPDX-License-Identifier: MIT
 *
 * What the next connection is opened with. The opening must fit into a head.
 */
#include "client/lib/units/sign.h"
#include "client/lib/units/units.h"
#include "proto/spelling.h"

#include <stdlib.h>

enum {
    SETTINGS_NAME_MAX = 64, /* bytes, as it is spelled */
    SETTINGS_LOGIN_MAX = 512,
    SETTINGS_PROOF_MAX = HEAD_MAX,
    SETTINGS_PING_MIN_MS = 1000,
    SETTINGS_PING_MAX_MS = 3600000,
};

static enum sluice_error settings_refuse(struct sluice *s, const char *what)
{
    return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION, "%s", what);
}

/* Copies `length` bytes and a NUL in place of *at; NULL takes it back. */
static enum sluice_error settings_copy(struct sluice *s, char **at,
                                       const void *bytes, size_t length)
{
    char *copy = NULL;
    if (bytes) {
        copy = malloc(length + 1);
        if (!copy)
            return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                      "out of memory");
        memcpy(copy, bytes, length);
        copy[length] = '\0';
    }
    free(*at);
    *at = copy;
    return SLUICE_OK;
}

static enum sluice_error settings_copy_text(struct sluice *s, char **at,
                                            const char *text)
{
    return settings_copy(s, at, text, text ? strlen(text) : 0);
}

enum sluice_error sluice_set_name(struct sluice *s, const char *name)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    char text[SPELLING_GROWTH * SETTINGS_NAME_MAX];
    size_t length = name ? strlen(name) : 0;
    if (length > SETTINGS_NAME_MAX ||
        spelling_write_value(text, name, length) > SETTINGS_NAME_MAX)
        return settings_refuse(s,
                               "a name has up to 64 bytes, as it is spelled");
    return settings_copy_text(s, &u->settings.name, name);
}

enum sluice_error sluice_set_login(struct sluice *s, const char *user,
                                   const char *mech, struct sluice_bytes proof)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    if ((user && strlen(user) > SETTINGS_LOGIN_MAX) ||
        (mech && strlen(mech) > SETTINGS_LOGIN_MAX) ||
        proof.length > SETTINGS_PROOF_MAX)
        return settings_refuse(s, "a user and a mechanism have up to 512 bytes,"
                                  " a proof up to 4096");
    if (sluice_sign_is_meant(mech) && !sluice_sign_can(proof))
        return settings_refuse(s, "the proof is not a private Ed25519 key in "
                                  "PEM, without a passphrase");
    enum sluice_error error = settings_copy_text(s, &u->settings.user, user);
    if (error == SLUICE_OK)
        error = settings_copy_text(s, &u->settings.mech, mech);
    if (error == SLUICE_OK)
        error = settings_copy(s, &u->settings.proof, proof.data, proof.length);
    if (error == SLUICE_OK)
        u->settings.proof_length = (uint32_t)proof.length;
    return error;
}

enum sluice_error sluice_set_ping(struct sluice *s, int ms)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    if (ms < -1 || ms > SETTINGS_PING_MAX_MS ||
        (ms > 0 && ms < SETTINGS_PING_MIN_MS))
        return settings_refuse(s, "a keepalive period is 1 to 3600 seconds");
    u->settings.ping_ms = ms;
    return SLUICE_OK;
}

enum sluice_error sluice_set_reconnect(struct sluice *s, bool is_on)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    u->settings.reconnects = is_on;
    return SLUICE_OK;
}

enum sluice_error sluice_set_sync(struct sluice *s, bool is_on)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    u->settings.syncs = is_on;
    return SLUICE_OK;
}

enum sluice_error sluice_set_window(struct sluice *s, uint32_t calls)
{
    sluice_handle_assert(s);
    struct sluice_units *u = sluice_units_of(s);
    if (!u)
        return SLUICE_NO_MEMORY;
    if (calls < 1 || calls > SLUICE_WINDOW_MAX)
        return settings_refuse(s, "a window is 1 to 65536 calls");
    u->settings.window = calls;
    return SLUICE_OK;
}
