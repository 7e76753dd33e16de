/* SPDX-License-Identifier: MIT
 *
 * sluice - the command line. Finds the command and runs it.
 */
#include "client/command.h"
#include "client/complain.h"
#include "common/suggest.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

/* What the commands are called in other programs. */
static const struct {
    const char *word, *command;
} main_synonyms[] = {
    {"consume", "listen"},   {"produce", "send"}, {"pub", "send"},
    {"publish", "send"},     {"push", "send"},    {"put", "send"},
    {"receive", "listen"},   {"recv", "listen"},  {"sub", "listen"},
    {"subscribe", "listen"}, {"stats", "top"},    {"status", "ping"},
};

static const char *main_synonym(const char *typed)
{
    size_t count = sizeof main_synonyms / sizeof *main_synonyms;
    for (size_t i = 0; i < count; i++)
        if (strcmp(typed, main_synonyms[i].word) == 0)
            return main_synonyms[i].command;
    return NULL;
}

static int main_unknown(const char *typed)
{
    struct suggestion suggestion = suggest_for(typed);
    for (const struct command *const *row = command_table; *row; row++)
        suggest_try(&suggestion, (*row)->name);
    const char *meant = main_synonym(typed);
    if (!meant)
        meant = suggestion.best;
    if (meant)
        return complain(EXIT_USAGE,
                        "unknown command '%.64s'; did you mean '%s'?", typed,
                        meant);
    return complain(EXIT_USAGE,
                    "unknown command '%.64s'; 'sluice --help' lists them",
                    typed);
}

static int main_help(int argc, char **argv)
{
    if (argc < 3) {
        command_print_usage(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(argv[2]);
    if (!command)
        return main_unknown(argv[2]);
    command_print_help(command, stdout);
    return EXIT_DONE;
}

static bool main_is_one_of(const char *typed, const char *const *words)
{
    while (*words && strcmp(typed, *words) != 0)
        words++;
    return *words;
}

static int main_run(int argc, char **argv)
{
    if (argc < 2) {
        command_print_usage(stderr);
        return EXIT_USAGE;
    }
    static const char *const version[] = {"--version", "version", "-v", "-V",
                                          NULL};
    if (main_is_one_of(argv[1], version)) {
        puts("sluice " SLUICE_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "help") == 0)
        return main_help(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return main_help(1, argv);
    const struct command *command = command_find(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : main_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    /* A closed pipe is an error of write(), not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    return main_run(argc, argv);
}
