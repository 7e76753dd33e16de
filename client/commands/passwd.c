/* SPDX-License-Identifier: MIT
 *
 * sluice passwd - edits the users file of a broker: passwords, tokens, and who
 * is in it.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/password.h"
#include "client/users_text.h"
#include "common/mistakes.h"
#include "users/user_draft.h"
#include "users/users.h"
#include "users/users_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct passwd_options {
    const char *users;
    bool is_token, is_removal, is_check;
    struct cli_option_number cost;
};

#define PASSWD_VALUE(field) offsetof(struct passwd_options, field)

static const struct cli_option passwd_options[] = {
    {"users", CLI_OPTION_TEXT, PASSWD_VALUE(users), "FILE", NULL,
     "SLUICE_USERS", 0, 0, "the users file; a new one is made for its owner"},
    {"token", CLI_OPTION_FLAG, PASSWD_VALUE(is_token), NULL, NULL, NULL, 0, 0,
     "make a token instead, print it, and add it to those that there are"},
    {"remove", CLI_OPTION_FLAG, PASSWD_VALUE(is_removal), NULL, NULL, NULL, 0,
     0, "remove the user"},
    {"check", CLI_OPTION_FLAG, PASSWD_VALUE(is_check), NULL, NULL, NULL, 0, 0,
     "change nothing; report all mistakes in the file"},
    {"cost", CLI_OPTION_COUNT, PASSWD_VALUE(cost), "N", "5", NULL, 1,
     PASSWORD_COST_MAX,
     "of the hash (yescrypt): one more takes twice the time and memory"},
    {.name = NULL},
};

struct passwd {
    struct passwd_options options;
    const char *name;
    struct users_text text;
    struct users *users; /* NULL when the file is new */
};

static void passwd_report(void *arg, const char *sentence)
{
    (void)arg;
    complain(EXIT_FAILED, "%s", sentence);
}

static struct users *passwd_read(const char *path)
{
    struct mistakes mistakes = {.report = passwd_report};
    return users_file_read(path, &mistakes);
}

static int passwd_check(const struct passwd *p)
{
    struct users *users = passwd_read(p->options.users);
    if (!users)
        return EXIT_FAILED;
    size_t n = users_count(users);
    printf("%s: %zu user%s, no mistakes\n", p->options.users, n,
           n == 1 ? "" : "s");
    users_unref(users);
    return EXIT_DONE;
}

/* --- editing ------------------------------------------------------------- */

/* Puts `line` in the place of line `at`, or behind the beginning of the user's
 * section, which is made when there is none. */
static bool passwd_put(struct passwd *p, const struct user *user, unsigned at,
                       const char *line)
{
    char section[USER_NAME_BYTES + 16];
    struct users_text *t = &p->text;
    if (at > 0)
        return users_text_replace(t, at, 1, line);
    if (user)
        return users_text_replace(t, user->line + 1, 0, line);
    snprintf(section, sizeof section, "%s[user \"%s\"]\n",
             t->length > 0 ? "\n" : "", p->name);
    unsigned end = users_text_lines(t) + 1;
    return users_text_replace(t, end, 0, section) &&
           users_text_replace(t, users_text_lines(t) + 1, 0, line);
}

static bool passwd_put_key(struct passwd *p, const struct user *user,
                           const char *key, const char *value)
{
    char line[SECRET_HASH_MAX + 32];
    bool is_password = strcmp(key, "password") == 0;
    snprintf(line, sizeof line, "%s = %s\n", key, value);
    bool ok = passwd_put(p, user, user && is_password ? user->password_line : 0,
                         line);
    explicit_bzero(line, sizeof line);
    return ok;
}

static bool passwd_edit_password(struct passwd *p, const struct user *user,
                                 struct sentence *why)
{
    struct password password;
    char hash[SECRET_HASH_MAX + 1];
    bool ok =
        password_ask(&password, p->name, why) &&
        password_hash(&password, (unsigned)p->options.cost.value, hash, why);
    password_wipe(&password);
    return ok && (passwd_put_key(p, user, "password", hash) ||
                  sentence_fail(why, "there is no memory for it"));
}

static bool passwd_edit_token(struct passwd *p, const struct user *user,
                              char token[PASSWORD_TOKEN_BYTES],
                              struct sentence *why)
{
    char digest[SECRET_TOKEN_TEXT_BYTES];
    return password_make_token(token, digest, why) &&
           (passwd_put_key(p, user, "token", digest) ||
            sentence_fail(why, "there is no memory for it"));
}

static bool passwd_remove(struct passwd *p, const struct user *user,
                          struct sentence *why)
{
    if (!user)
        return sentence_fail(why, "there is no user '%s' in %s", p->name,
                             p->options.users);
    return users_text_replace(&p->text, user->line,
                              users_text_section(&p->text, user->line), "") ||
           sentence_fail(why, "there is no memory for it");
}

/* A file from which the last user is removed still has to be one. */
static bool passwd_leave_comment(struct passwd *p)
{
    return p->text.length > 0 ||
           users_text_replace(&p->text, 1, 0, "# There are no users.\n");
}

static bool passwd_is_in_order(const char *path, struct sentence *why)
{
    struct users *users = passwd_read(path);
    if (!users)
        return sentence_fail(why, "the file would not be in order; nothing "
                                  "was changed");
    users_unref(users);
    return true;
}

/* The token is printed when it holds, and never before. */
static bool passwd_edit(struct passwd *p, struct sentence *why)
{
    char token[PASSWORD_TOKEN_BYTES] = "";
    const struct user *user = p->users ? users_find(p->users, p->name) : NULL;
    bool ok;
    if (p->options.is_removal)
        ok = passwd_remove(p, user, why);
    else if (p->options.is_token)
        ok = passwd_edit_token(p, user, token, why);
    else
        ok = passwd_edit_password(p, user, why);
    ok = ok && passwd_leave_comment(p) &&
         users_text_save(&p->text, passwd_is_in_order, why);
    if (ok && *token && (puts(token) < 0 || fflush(stdout) != 0))
        ok = sentence_fail(why,
                           "the new token could not be written: %s; make "
                           "another one, and remove its line from %s",
                           strerror(errno), p->options.users);
    explicit_bzero(token, sizeof token);
    return ok;
}

/* --- the command --------------------------------------------------------- */

static int passwd_change(struct passwd *p)
{
    struct sentence why;
    int status = EXIT_FAILED;
    if (!users_text_open(&p->text, p->options.users, &why))
        complain(EXIT_FAILED, "%s", why.text);
    else if (p->text.fd >= 0 && !(p->users = passwd_read(p->options.users)))
        complain(EXIT_FAILED, "mend %s first; nothing was changed",
                 p->options.users);
    else if (!passwd_edit(p, &why))
        complain(EXIT_FAILED, "%s", why.text);
    else
        status = EXIT_DONE;
    users_unref(p->users);
    users_text_close(&p->text);
    return status;
}

static int passwd_name(struct passwd *p, int argc, char **argv)
{
    if (argc < 2)
        return command_misused(&command_passwd, "NAME is missing");
    if (argc > 2)
        return command_misused(&command_passwd,
                               "one NAME at a time; a password is asked for, "
                               "or read from standard input");
    const char *fault = user_name_fault(argv[1]);
    if (fault)
        return complain(EXIT_USAGE, "the name '%s' %s", argv[1], fault);
    if (strcmp(argv[1], USER_ANONYMOUS) == 0 && !p->options.is_removal)
        return command_misused(&command_passwd,
                               "'" USER_ANONYMOUS "' is who shows nothing");
    p->name = argv[1];
    return EXIT_DONE;
}

static int passwd_run(int argc, char **argv)
{
    struct passwd p = {.name = NULL};
    int status;
    if (!command_parse(&command_passwd, &p.options, &argc, argv, &status))
        return status;
    const struct passwd_options *o = &p.options;
    if (!o->users)
        return command_misused(&command_passwd, "--users FILE is missing");
    if (o->is_token + o->is_removal + o->is_check > 1)
        return command_misused(&command_passwd,
                               "only one of --token, --remove and --check");
    if (o->is_check)
        return argc > 1 ? command_misused(&command_passwd,
                                          "--check is for the whole file")
                        : passwd_check(&p);
    status = passwd_name(&p, argc, argv);
    return status == EXIT_DONE ? passwd_change(&p) : status;
}

const struct command command_passwd = {
    .name = "passwd",
    .arguments = "NAME",
    .summary = "Give a user of the broker a password or a token",
    .details =
        "Edits the users file of a broker (sluiced --users). On a terminal it\n"
        "asks for the password twice, without showing it; else it reads a\n"
        "line of standard input. The file keeps a hash. A user who is not in\n"
        "it is added, and may do nothing until it has publish or subscribe\n"
        "lines, or a role.\n"
        "\n"
        "The file is replaced at once, and keeps its comments, mode and\n"
        "owner. A running broker takes it at SIGHUP.\n"
        "\n"
        "  sluice passwd --users users.conf thermo\n"
        "  sluice passwd --users users.conf thermo --token\n"
        "  sluice passwd --users users.conf --check\n",
    .options = passwd_options,
    .run = passwd_run,
};
