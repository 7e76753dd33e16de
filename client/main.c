/* SPDX-License-Identifier: MIT
 *
 * sluice - the command line. Finds the command and runs it.
 */
#include "client/command.h"
#include "client/complain.h"
#include "common/suggest.h"

#include <signal.h>
#include <string.h>

static int main_unknown(const char *typed)
{
    struct suggestion suggestion = suggest_for(typed);
    for (const struct command *const *row = command_table; *row; row++)
        suggest_try(&suggestion, (*row)->name);
    if (suggestion.best)
        return complain(EXIT_USAGE,
                        "unknown command '%.64s'; did you mean '%s'?", typed,
                        suggestion.best);
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

static int main_run(int argc, char **argv)
{
    if (argc < 2) {
        command_print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
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
