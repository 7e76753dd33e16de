/* SPDX-License-Identifier: MIT */
#include "client/login.h"

#include "client/lib/handle.h"
#include "client/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOGIN_BYTES = 4096 };

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

static enum sluice_error login_refuse(struct sluice *s, const char *file,
                                      const char *why)
{
    return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION, "%s: %s", file,
                              why);
}

/* --- secrets -------------------------------------------------------------- */

/* What a file has, without the end of its line; *n is in: the room. */
static enum sluice_error login_read(struct sluice *s, const char *file,
                                    char *out, size_t *n)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return login_refuse(s, file, strerror(errno));
    bool is_open_to_others =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO);
    size_t room = *n;
    ssize_t got = 0;
    *n = 0;
    while (*n < room && (got = read(fd, out + *n, room - *n)) > 0)
        *n += (size_t)got;
    close(fd);
    if (is_open_to_others)
        return login_refuse(s, file, "other users can read it; chmod 600");
    if (got < 0)
        return login_refuse(s, file, strerror(errno));
    if (*n == room)
        return login_refuse(s, file, "it is too long for a secret");
    while (*n > 0 && (out[*n - 1] == '\n' || out[*n - 1] == '\r'))
        --*n;
    return *n > 0 ? SLUICE_OK : login_refuse(s, file, "it is empty");
}

/* Asked for once: a command may connect often. */
static enum sluice_error login_ask(struct sluice *s, const char *user,
                                   const char **secret)
{
    static struct password asked;
    struct sentence why;
    if (asked.text[0] == '\0' && !isatty(STDIN_FILENO))
        return login_refuse(s, "--user",
                            "there is no terminal to ask for the password at; "
                            "give --password-file or $SLUICE_PASSWORD");
    if (asked.text[0] == '\0' && !password_ask_once(&asked, user, &why))
        return login_refuse(s, "--user", why.text);
    *secret = asked.text;
    return SLUICE_OK;
}

/* --- the ways ------------------------------------------------------------- */

static enum sluice_error login_by_file(const struct login_options *o,
                                       struct sluice *s, const char *mech,
                                       const char *file)
{
    char secret[LOGIN_BYTES];
    size_t n = sizeof secret;
    enum sluice_error error = login_read(s, file, secret, &n);
    if (error == SLUICE_OK)
        error = sluice_set_login(s, o->user, mech,
                                 (struct sluice_bytes){secret, n});
    explicit_bzero(secret, sizeof secret);
    return error;
}

static enum sluice_error login_by_password(const struct login_options *o,
                                           struct sluice *s)
{
    const char *secret = login_variable("SLUICE_PASSWORD");
    enum sluice_error error =
        secret ? SLUICE_OK : login_ask(s, o->user, &secret);
    return error == SLUICE_OK
               ? sluice_set_login(s, o->user, "plain", sluice_text(secret))
               : error;
}

enum sluice_error login_apply(const struct login_options *o, struct sluice *s)
{
    const char *token = login_variable("SLUICE_TOKEN");
    if (!!o->password_file + !!o->token_file + !!o->key_file > 1)
        return login_refuse(s, "--password-file, --token-file, --key-file",
                            "one of them is enough");
    if ((o->password_file || o->key_file) && !o->user)
        return login_refuse(s, o->key_file ? "--key-file" : "--password-file",
                            "--user is missing");
    if (o->key_file)
        return login_by_file(o, s, "ed25519", o->key_file);
    if (o->password_file)
        return login_by_file(o, s, "plain", o->password_file);
    if (o->token_file)
        return login_by_file(o, s, "token", o->token_file);
    if (token && !(o->user && login_variable("SLUICE_PASSWORD")))
        return sluice_set_login(s, o->user, "token", sluice_text(token));
    return o->user ? login_by_password(o, s) : SLUICE_OK;
}
