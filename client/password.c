/* SPDX-License-Identifier: MIT */
#include "client/password.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "client/stop_signal.h"
#include "common/secrecy.h"
#include "common/sentence.h"

#define PASSWORD_METHOD "$y$"
#define TOKEN_PREFIX    "sl_"

enum { TOKEN_RANDOM_BYTES = 32, TOKEN_TEXT = 43 };

void password_wipe(struct password *p)
{
    explicit_bzero(p, sizeof *p);
}

/* --- asking -------------------------------------------------------------- */

/* One line, not buffered: no copy of it stays in the process. */
static bool password_read(struct password *p, struct sentence *why)
{
    size_t length = 0;
    char c = '\0';
    ssize_t n;
    while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
        if (length == PASSWORD_BYTES - 1)
            return sentence_fail(why, "the password is longer than %d bytes",
                                 PASSWORD_BYTES - 1);
        if (c == '\0')
            return sentence_fail(why, "there is a NUL byte in the password");
        p->text[length++] = c;
    }
    p->text[length] = '\0';
    if (stop_signal_came())
        return sentence_fail(why, "interrupted");
    if (n < 0)
        return sentence_fail(why, "cannot read standard input: %s",
                             strerror(errno));
    return length > 0 || sentence_fail(why, "the password is empty");
}

static bool password_prompt(struct password *p, const char *prompt,
                            const char *user, struct sentence *why)
{
    fprintf(stderr, "%s%s: ", prompt, user);
    bool ok = password_read(p, why);
    fputc('\n', stderr);
    return ok;
}

static bool password_ask_twice(struct password *p, const char *user,
                               struct sentence *why)
{
    struct password again;
    bool ok = password_prompt(p, "New password for ", user, why) &&
              password_prompt(&again, "Again for ", user, why);
    if (ok && strcmp(p->text, again.text) != 0)
        ok = sentence_fail(why, "these are two passwords; nothing was changed");
    password_wipe(&again);
    return ok;
}

static bool password_ask_plainly(struct password *p, const char *user,
                                 struct sentence *why)
{
    return password_prompt(p, "Password of ", user, why);
}

/* A signal ends the reading, so that the echo comes back in any case. */
static bool password_ask_silently(struct password *p, const char *user,
                                  bool (*ask)(struct password *p,
                                              const char *user,
                                              struct sentence *why),
                                  struct sentence *why)
{
    struct termios with_echo, silent;
    secrecy_hide_memory();
    if (!isatty(STDIN_FILENO))
        return password_read(p, why);
    if (!stop_signal_init() || tcgetattr(STDIN_FILENO, &with_echo) != 0)
        return sentence_fail(why, "cannot ask at this terminal: %s",
                             strerror(errno));
    silent = with_echo;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
        return sentence_fail(why, "cannot ask at this terminal: %s",
                             strerror(errno));
    bool ok = ask(p, user, why);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &with_echo);
    return ok;
}

bool password_ask(struct password *p, const char *user, struct sentence *why)
{
    return password_ask_silently(p, user, password_ask_twice, why);
}

bool password_ask_once(struct password *p, const char *user,
                       struct sentence *why)
{
    return password_ask_silently(p, user, password_ask_plainly, why);
}

/* --- hashing ------------------------------------------------------------- */

bool password_hash(const struct password *p, unsigned cost,
                   char hash[SECRET_HASH_MAX + 1], struct sentence *why)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *made = NULL;
    if (data && crypt_gensalt_rn(PASSWORD_METHOD, cost, NULL, 0, setting,
                                 sizeof setting))
        made = crypt_rn(p->text, setting, data, sizeof *data);
    bool ok = made && !secret_check_hash(made);
    if (ok)
        strcpy(hash, made);
    else
        sentence_fail(why, "cannot hash the password: %s", strerror(errno));
    if (data)
        explicit_bzero(data, sizeof *data);
    free(data);
    return ok;
}

/* Without padding, for URLs and heads. */
static void password_write_token(char *out, const uint8_t *random)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0, at = 0;
    for (unsigned i = 0; i < TOKEN_TEXT; i++) {
        while (have < 6) {
            bits = bits << 8 | (at < TOKEN_RANDOM_BYTES ? random[at] : 0u);
            at++;
            have += 8;
        }
        have -= 6;
        *out++ = alphabet[bits >> have & 63];
    }
    *out = '\0';
}

bool password_make_token(char token[PASSWORD_TOKEN_BYTES],
                         char digest[SECRET_TOKEN_TEXT_BYTES],
                         struct sentence *why)
{
    uint8_t random[TOKEN_RANDOM_BYTES], sha256[SECRET_DIGEST_BYTES];
    size_t length;
    secrecy_hide_memory();
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return sentence_fail(why, "cannot get random bytes: %s",
                             strerror(errno));
    strcpy(token, TOKEN_PREFIX);
    password_write_token(token + strlen(token), random);
    explicit_bzero(random, sizeof random);
    if (!EVP_Q_digest(NULL, "SHA256", NULL, token, strlen(token), sha256,
                      &length))
        return sentence_fail(why, "cannot compute a digest");
    secret_format_token(sha256, digest);
    return true;
}
