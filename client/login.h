/* SPDX-License-Identifier: MIT
 *
 * login - how the commands show a broker who they are: options that they share,
 * and what comes from the environment or the terminal. A secret is never an
 * argument: everybody on the machine could read it.
 */
#ifndef SLUICE_CLIENT_LOGIN_H
#define SLUICE_CLIENT_LOGIN_H

#include "client/cli_option.h"
#include "client/sluice.h"

struct login_options {
    const char *user;                                  /* NULL: none */
    const char *password_file, *token_file, *key_file; /* NULL: none */
};

#define LOGIN_VALUE(at, field) ((at) + offsetof(struct login_options, field))
#define LOGIN_TEXT(at, option, field, value, variable, help)                   \
    {                                                                          \
        option, CLI_OPTION_TEXT, LOGIN_VALUE(at, field), value, NULL,          \
            variable, 0, 0, help                                               \
    }

/* Rows of a table of options; `at` is the offset of a login_options in the
 * command's struct. */
#define LOGIN_OPTIONS(at)                                                      \
    LOGIN_TEXT(at, "user", user, "NAME", "SLUICE_USER",                        \
               "be this user; its password is asked for, or in a file, or in"  \
               "\n      $SLUICE_PASSWORD"),                                    \
        LOGIN_TEXT(at, "password-file", password_file, "FILE",                 \
                   "SLUICE_PASSWORD_FILE", "the password of --user"),          \
        LOGIN_TEXT(at, "token-file", token_file, "FILE", "SLUICE_TOKEN_FILE",  \
                   "be the user whose token is in FILE; or $SLUICE_TOKEN"),    \
        LOGIN_TEXT(at, "key-file", key_file, "FILE", "SLUICE_KEY_FILE",        \
                   "sign as --user, with this Ed25519 key in PEM")

/* Whether there is anything to show; then it takes version 2. */
bool login_is_wanted(const struct login_options *o);

/* Has the handle show it with each connection. May ask at the terminal, once in
 * the life of the program. SLUICE_BAD_OPTION, with a sentence in the handle,
 * when there is no secret, or a file cannot be read. */
SLUICE_MUST_CHECK enum sluice_error login_apply(const struct login_options *o,
                                                struct sluice *s);

/* What the header of a request over HTTP may take, with its NUL. */
enum { LOGIN_HEADER_BYTES = 1024 };

struct sluice_failure;

/* The same over HTTP: the line that a request shows it by, "" when there is
 * nothing to show; to be wiped by the caller. Anything but SLUICE_OK:
 * SLUICE_BAD_OPTION, and *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
login_write_header(const struct login_options *o, char out[LOGIN_HEADER_BYTES],
                   struct sluice_failure *why);

#endif
