/* SPDX-License-Identifier: MIT
 *
 * sluice may - says what a users file allows, and by which line.
 */
#include "client/command.h"
#include "client/complain.h"
#include "common/mistakes.h"
#include "common/suggest.h"
#include "users/users.h"
#include "users/users_file.h"

#include <string.h>

/* EXIT_FAILED is "no" here, so that what cannot be answered is something
 * else. */
enum { EXIT_UNANSWERED = EXIT_USAGE };

struct may_options {
    const char *users;
};

static const struct cli_option may_options[] = {
    {"users", CLI_OPTION_TEXT, offsetof(struct may_options, users), "FILE",
     NULL, "SLUICE_USERS", 0, 0, "the users file"},
    {.name = NULL},
};

struct may {
    struct may_options options;
    const struct user *user;
    const char *name; /* of the channel, or the pattern */
    bool is_publish;
};

static void may_report(void *arg, const char *sentence)
{
    (void)arg;
    complain(EXIT_UNANSWERED, "%s", sentence);
}

/* --- the answer ---------------------------------------------------------- */

static void may_print_lines(const struct may *m, rights_set by)
{
    const struct rights_lines *lines =
        m->is_publish ? &m->user->rights.publish : &m->user->rights.subscribe;
    for (size_t i = 0; i < lines->count; i++) {
        char text[PATTERN_TEXT_MAX + 1];
        if (!(by >> i & 1))
            continue;
        text[pattern_write(&lines->rows[i]->pattern, text)] = '\0';
        printf("yes: %s:%u: %s = %s\n", m->options.users,
               lines->rows[i]->number, m->is_publish ? "publish" : "subscribe",
               text);
    }
    if (by == 0)
        printf("yes: %s is for everybody\n", CHANNEL_NAME_NULL);
}

/* Why "**" did not help. */
static const char *may_hint(enum pattern_world world)
{
    if (world == PATTERN_QUEUES)
        return "; '**' allows no queue: write /queue/**";
    return world == PATTERN_SYS ? "; '**' does not allow /sys: write /sys/**"
                                : "";
}

static int may_answer(const struct may *m, bool is_allowed, rights_set by,
                      enum pattern_world world)
{
    if (is_allowed)
        may_print_lines(m, by);
    else
        printf("no: no %s line of %s allows it%s\n",
               m->is_publish ? "publish" : "subscribe", m->user->name,
               may_hint(world));
    return is_allowed ? EXIT_DONE : EXIT_FAILED;
}

static int may_publish(const struct may *m)
{
    const uint8_t *name = (const uint8_t *)m->name;
    size_t length = strlen(m->name);
    rights_set by;
    if (length == 0 || length > CHANNEL_NAME_MAX)
        return complain(EXIT_UNANSWERED, "a channel has 1 to %d bytes",
                        CHANNEL_NAME_MAX);
    if (pattern_world_of(name, length) == PATTERN_SYS) {
        puts("no: /sys is the broker's own; nobody publishes there");
        return EXIT_FAILED;
    }
    bool is_allowed = rights_may_publish(&m->user->rights, name, length, &by);
    return may_answer(m, is_allowed, by, pattern_world_of(name, length));
}

static int may_subscribe(const struct may *m)
{
    struct pattern p;
    rights_set by;
    if (!pattern_read(&p, span_of(m->name)))
        return complain(EXIT_UNANSWERED, "'%s' is not " PATTERN_FORM, m->name);
    bool is_allowed = rights_may_subscribe(&m->user->rights, &p, &by);
    return may_answer(m, is_allowed, by, p.world);
}

/* --- the command --------------------------------------------------------- */

static int may_unknown(const char *typed, const struct users *users)
{
    struct suggestion suggestion = suggest_for(typed);
    for (size_t i = 0; i < users_count(users); i++)
        suggest_try(&suggestion, users_get(users, i)->name);
    if (suggestion.best)
        return complain(EXIT_UNANSWERED,
                        "there is no user '%s'; did you mean '%s'?", typed,
                        suggestion.best);
    return complain(EXIT_UNANSWERED, "there is no user '%s'", typed);
}

static int may_ask(struct may *m, const char *user)
{
    struct mistakes mistakes = {.report = may_report};
    struct users *users = users_file_read(m->options.users, &mistakes);
    if (!users)
        return EXIT_UNANSWERED;
    int status;
    m->user = users_find(users, user);
    if (!m->user)
        status = may_unknown(user, users);
    else
        status = m->is_publish ? may_publish(m) : may_subscribe(m);
    users_unref(users);
    return status;
}

static int may_run(int argc, char **argv)
{
    struct may m = {.user = NULL};
    int status;
    if (!command_parse(&command_may, &m.options, &argc, argv, &status))
        return status;
    if (!m.options.users)
        return command_misused(&command_may, "--users FILE is missing");
    bool is_subscribe = argc == 4 && strcmp(argv[2], "subscribe") == 0;
    m.is_publish = argc == 4 && strcmp(argv[2], "publish") == 0;
    if (!is_subscribe && !m.is_publish)
        return command_misused(&command_may,
                               "say who, 'publish' or 'subscribe', and where");
    m.name = argv[3];
    return may_ask(&m, argv[1]);
}

const struct command command_may = {
    .name = "may",
    .arguments = "USER publish|subscribe NAME",
    .summary = "Say whether a user may publish or subscribe, and why",
    .details =
        "Prints yes, with the lines of the users file that allow it, or no.\n"
        "Nothing is asked of a broker, so that rights can be tried before\n"
        "they hold. NAME is a channel, or a pattern as for 'sluice listen';\n"
        "several lines may allow a pattern together.\n"
        "\n"
        "It exits with 0 for yes, 1 for no, and 2 when there is no answer.\n"
        "\n"
        "  sluice may thermo publish /topic/sensors/k1 --users users.conf\n"
        "  sluice may ann subscribe '/topic/**' --users users.conf\n",
    .options = may_options,
    .run = may_run,
};
