/* SPDX-License-Identifier: MIT
 *
 * command - what `sluice NAME ...` runs. A new one is a file in commands/ and
 * a row in command.c.
 */
#ifndef SLUICE_CLIENT_COMMAND_H
#define SLUICE_CLIENT_COMMAND_H

#include "client/cli_option.h"

struct command {
    const char *name;
    const char *arguments; /* after the options, for the help */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs, each line ended */
    const struct cli_option *options;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct command command_bench;
extern const struct command command_cert;
extern const struct command command_chat;
extern const struct command command_journal;
extern const struct command command_keys;
extern const struct command command_listen;
extern const struct command command_ls;
extern const struct command command_may;
extern const struct command command_monitor;
extern const struct command command_passwd;
extern const struct command command_peek;
extern const struct command command_ping;
extern const struct command command_purge;
extern const struct command command_reply;
extern const struct command command_request;
extern const struct command command_send;
extern const struct command command_tap;
extern const struct command command_top;
extern const struct command command_work;

/* Ended by NULL. */
extern const struct command *const command_table[];

/* NULL when there is no such command. */
const struct command *command_find(const char *name);

/* The help for all commands, or for one. */
void command_print_usage(FILE *out);
void command_print_help(const struct command *command, FILE *out);

/* Parses the options of `command` into `values`. False when the help or an
 * error has been printed and the program should exit with *status. */
bool command_parse(const struct command *command, void *values, int *argc,
                   char **argv, int *status);

/* Prints why `command` was used wrongly; returns EXIT_USAGE. */
int command_misused(const struct command *command, const char *sentence);

/* False, with an error printed and *status set, when argv[1] is missing or not
 * a channel name. */
bool command_has_channel(const struct command *command, int argc, char **argv,
                         int *status);

#endif
