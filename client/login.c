/* SPDX-License-Identifier: MIT */
#include "client/login.h"

#include "client/lib/handle.h"
#include "client/password.h"
#include "common/secrecy.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOGIN_BYTES = 4096,
    LOGIN_USER_MAX = 64, /* over HTTP */
    LOGIN_SECRET_MAX = 512,
    LOGIN_BASIC_MAX = LOGIN_USER_MAX + 1 + LOGIN_SECRET_MAX + 1,
};

static const char *login_variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

bool login_is_wanted(const struct login_options *o)
{
    return o->user || o->password_file || o->token_file || o->key_file ||
           login_variable("SLUICE_TOKEN");
}

static enum sluice_error login_refuse(struct sluice_failure *why,
                                      const char *file, const char *reason)
{
    return sluice_failure_set(why, SLUICE_BAD_OPTION, "%s: %s", file, reason);
}

/* --- secrets -------------------------------------------------------------- */

/* What a command shows. The secret is somebody else's, or in `bytes`. */
struct login_shown {
    const char *mech; /* NULL: nothing is shown */
    struct sluice_bytes secret;
    char bytes[LOGIN_BYTES];
};

/* What a file has, without the end of its line. */
static enum sluice_error login_read(struct login_shown *out, const char *file,
                                    struct sluice_failure *why)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return login_refuse(why, file, strerror(errno));
    bool is_open_to_others =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO);
    size_t n = 0;
    ssize_t got = 0;
    while (n < sizeof out->bytes &&
           (got = read(fd, out->bytes + n, sizeof out->bytes - n)) > 0)
        n += (size_t)got;
    close(fd);
    if (is_open_to_others)
        return login_refuse(why, file, "other users can read it; chmod 600");
    if (got < 0)
        return login_refuse(why, file, strerror(errno));
    if (n == sizeof out->bytes)
        return login_refuse(why, file, "it is too long for a secret");
    while (n > 0 && (out->bytes[n - 1] == '\n' || out->bytes[n - 1] == '\r'))
        n--;
    out->secret = (struct sluice_bytes){out->bytes, n};
    return n > 0 ? SLUICE_OK : login_refuse(why, file, "it is empty");
}

/* Asked for once: a command may connect often. */
static enum sluice_error login_ask(struct login_shown *out, const char *user,
                                   struct sluice_failure *why)
{
    static struct password asked;
    struct sentence reason;
    if (asked.text[0] == '\0' && !isatty(STDIN_FILENO))
        return login_refuse(why, "--user",
                            "there is no terminal to ask for the password at; "
                            "give --password-file or $SLUICE_PASSWORD");
    if (asked.text[0] == '\0' && !password_ask_once(&asked, user, &reason))
        return login_refuse(why, "--user", reason.text);
    out->secret = sluice_text(asked.text);
    return SLUICE_OK;
}

/* --- the ways ------------------------------------------------------------- */

static enum sluice_error login_by_file(struct login_shown *out,
                                       const char *mech, const char *file,
                                       struct sluice_failure *why)
{
    out->mech = mech;
    return login_read(out, file, why);
}

static enum sluice_error login_by_password(const struct login_options *o,
                                           struct login_shown *out,
                                           struct sluice_failure *why)
{
    const char *secret = login_variable("SLUICE_PASSWORD");
    out->mech = "plain";
    if (!secret)
        return login_ask(out, o->user, why);
    out->secret = sluice_text(secret);
    return SLUICE_OK;
}

/* To be wiped by the caller, also when it failed. */
static enum sluice_error login_find(const struct login_options *o,
                                    struct login_shown *out,
                                    struct sluice_failure *why)
{
    const char *token = login_variable("SLUICE_TOKEN");
    out->mech = NULL;
    if (login_is_wanted(o))
        secrecy_hide_memory();
    if (!!o->password_file + !!o->token_file + !!o->key_file > 1)
        return login_refuse(why, "--password-file, --token-file, --key-file",
                            "one of them is enough");
    if ((o->password_file || o->key_file) && !o->user)
        return login_refuse(why, o->key_file ? "--key-file" : "--password-file",
                            "--user is missing");
    if (o->key_file)
        return login_by_file(out, "ed25519", o->key_file, why);
    if (o->password_file)
        return login_by_file(out, "plain", o->password_file, why);
    if (o->token_file)
        return login_by_file(out, "token", o->token_file, why);
    if (token && !(o->user && login_variable("SLUICE_PASSWORD"))) {
        out->mech = "token";
        out->secret = sluice_text(token);
        return SLUICE_OK;
    }
    return o->user ? login_by_password(o, out, why) : SLUICE_OK;
}

enum sluice_error login_apply(const struct login_options *o, struct sluice *s)
{
    struct login_shown shown;
    enum sluice_error error = login_find(o, &shown, &s->failure);
    if (error == SLUICE_OK && shown.mech)
        error = sluice_set_login(s, o->user, shown.mech, shown.secret);
    explicit_bzero(&shown, sizeof shown);
    return error;
}

/* --- over HTTP ------------------------------------------------------------ */

static void login_write_basic(const char *user, struct sluice_bytes secret,
                              char out[LOGIN_HEADER_BYTES])
{
    unsigned char both[LOGIN_BASIC_MAX];
    int n = snprintf((char *)both, sizeof both, "%s:%.*s", user,
                     (int)secret.length, (const char *)secret.data);
    n = n < (int)sizeof both ? n : (int)sizeof both - 1;
    char *text = stpcpy(out, "Authorization: Basic ");
    text += EVP_EncodeBlock((unsigned char *)text, both, n);
    strcpy(text, "\r\n");
    explicit_bzero(both, sizeof both);
}

/* A token is one word of a head; what else is in its file would be another
 * header. */
static bool login_is_word(struct sluice_bytes secret)
{
    const unsigned char *at = secret.data;
    for (size_t i = 0; i < secret.length; i++)
        if (at[i] <= ' ' || at[i] > '~')
            return false;
    return true;
}

static enum sluice_error login_write(const struct login_options *o,
                                     const struct login_shown *shown,
                                     char out[LOGIN_HEADER_BYTES],
                                     struct sluice_failure *why)
{
    out[0] = '\0';
    if (!shown->mech)
        return SLUICE_OK;
    if (strcmp(shown->mech, "ed25519") == 0)
        return login_refuse(why, "--key-file",
                            "a key signs nothing over HTTP; show a token or a "
                            "password");
    if (shown->secret.length > LOGIN_SECRET_MAX)
        return login_refuse(why, "--user",
                            "the secret is too long to be shown over HTTP");
    if (strcmp(shown->mech, "token") == 0) {
        if (!login_is_word(shown->secret))
            return login_refuse(why, "--token-file",
                                "a token is one word of visible characters");
        sprintf(out, "Authorization: Bearer %.*s\r\n",
                (int)shown->secret.length, (const char *)shown->secret.data);
        return SLUICE_OK;
    }
    if (strchr(o->user, ':') || strlen(o->user) > LOGIN_USER_MAX)
        return login_refuse(why, "--user",
                            "over HTTP a user with a password has at most 64 "
                            "characters, and no ':'; show a token");
    login_write_basic(o->user, shown->secret, out);
    return SLUICE_OK;
}

enum sluice_error login_write_header(const struct login_options *o,
                                     char out[LOGIN_HEADER_BYTES],
                                     struct sluice_failure *why)
{
    struct login_shown shown;
    enum sluice_error error = login_find(o, &shown, why);
    if (error == SLUICE_OK)
        error = login_write(o, &shown, out, why);
    explicit_bzero(&shown, sizeof shown);
    return error;
}
