/* SPDX-License-Identifier: MIT */
#include "client/command.h"

#include "client/complain.h"

#include <string.h>

const struct command *const command_table[] = {
    &command_bench,   &command_cert,   &command_chat,    &command_journal,
    &command_keys,    &command_listen, &command_ls,      &command_may,
    &command_monitor, &command_passwd, &command_peek,    &command_ping,
    &command_purge,   &command_reply,  &command_request, &command_send,
    &command_tap,     &command_top,    &command_work,    NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *row = command_table; *row; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    return NULL;
}

void command_print_usage(FILE *out)
{
    fputs("usage: sluice COMMAND [OPTION]... ARGUMENT...\n\n"
          "Talks to sluiced, the message broker.\n\n",
          out);
    for (const struct command *const *row = command_table; *row; row++)
        fprintf(out, "  sluice %-7s %s\n", (*row)->name, (*row)->summary);
    fputs("  sluice help    say more about a command: sluice help COMMAND\n\n"
          "  --help         show this\n"
          "  --version      show the version\n\n"
          "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
          out);
}

void command_print_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: sluice %s [OPTION]...%s%s\n\n%s.\n\n%s\n",
            command->name, *command->arguments ? " " : "", command->arguments,
            command->summary, command->details);
    cli_option_print_help(command->options, out);
}

int command_misused(const struct command *command, const char *sentence)
{
    return complain(EXIT_USAGE, "%s (see 'sluice %s --help')", sentence,
                    command->name);
}

bool command_parse(const struct command *command, void *values, int *argc,
                   char **argv, int *status)
{
    struct sentence why;
    switch (cli_option_parse(command->options, values, argc, argv, &why)) {
    case CLI_OPTION_DONE:
        return true;
    case CLI_OPTION_HELP:
        command_print_help(command, stdout);
        *status = EXIT_DONE;
        return false;
    default:
        *status = command_misused(command, why.text);
        return false;
    }
}

bool command_has_channel(const struct command *command, int argc, char **argv,
                         int *status)
{
    size_t length = argc > 1 ? strlen(argv[1]) : 0;
    if (length >= 1 && length <= SLUICE_CHANNEL_MAX)
        return true;
    char sentence[96];
    if (argc > 1)
        snprintf(sentence, sizeof sentence,
                 "CHANNEL must be a name of 1 to %d bytes, not %zu",
                 SLUICE_CHANNEL_MAX, length);
    *status =
        command_misused(command, argc > 1 ? sentence : "CHANNEL is missing");
    return false;
}
