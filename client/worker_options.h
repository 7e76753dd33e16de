/* SPDX-License-Identifier: MIT
 *
 * worker_options - the options of the commands that run a command for each
 * message, `sluice work` and `sluice reply`, so that they are spelled alike.
 */
#ifndef SLUICE_CLIENT_WORKER_OPTIONS_H
#define SLUICE_CLIENT_WORKER_OPTIONS_H

#include "client/command.h"
#include "client/target.h"
#include "client/worker.h"

struct worker_options {
    struct target target;
    const char *command;
    struct cli_option_number timeout_ms, jobs, count;
    bool is_quiet, no_reconnect;
};

#define WORKER_VALUE(at, field) ((at) + offsetof(struct worker_options, field))

/* Rows of a table of options; `at` is the offset of a worker_options in the
 * command's struct. */
#define WORKER_OPTIONS_WORK(at)                                                \
    TARGET_SERVER(WORKER_VALUE(at, target)),                                   \
        {"exec",                                                               \
         CLI_OPTION_TEXT,                                                      \
         WORKER_VALUE(at, command),                                            \
         "COMMAND",                                                            \
         NULL,                                                                 \
         NULL,                                                                 \
         0,                                                                    \
         0,                                                                    \
         "run COMMAND for each message, which is its standard input"},         \
        {"jobs", CLI_OPTION_COUNT, WORKER_VALUE(at, jobs),    "N", "1", NULL,  \
         1,      WORKER_JOBS_MAX,  "run N commands at a time"},                \
    {                                                                          \
        "count", CLI_OPTION_COUNT, WORKER_VALUE(at, count), "N", NULL, NULL,   \
            1, 0, "stop after N messages"                                      \
    }
#define WORKER_OPTIONS_CONNECTION(at)                                          \
    {"timeout",                                                                \
     CLI_OPTION_DURATION,                                                      \
     WORKER_VALUE(at, timeout_ms),                                             \
     "TIME",                                                                   \
     "5s",                                                                     \
     NULL,                                                                     \
     1,                                                                        \
     86400000,                                                                 \
     "how long one attempt to connect, or the goodbye, may take"},             \
        {"no-reconnect",                                                       \
         CLI_OPTION_FLAG,                                                      \
         WORKER_VALUE(at, no_reconnect),                                       \
         NULL,                                                                 \
         NULL,                                                                 \
         NULL,                                                                 \
         0,                                                                    \
         0,                                                                    \
         "exit with 1 when the broker cannot be reached or is lost"},          \
        {"quiet",                                                              \
         CLI_OPTION_FLAG,                                                      \
         WORKER_VALUE(at, is_quiet),                                           \
         NULL,                                                                 \
         NULL,                                                                 \
         NULL,                                                                 \
         0,                                                                    \
         0,                                                                    \
         "do not report lost and regained connections on standard error"},     \
        TARGET_TLS(WORKER_VALUE(at, target)),                                  \
        TARGET_LOGIN(WORKER_VALUE(at, target))

/* Fills the plan's fields that these options and the arguments give; the others
 * stay. False, with an error printed and *status set, when they are wrong. */
bool worker_options_apply(const struct worker_options *o,
                          const struct command *command, int argc, char **argv,
                          struct worker_plan *plan, int *status);

/* Connects, works on this channel by the plan, and returns the exit status. */
int worker_options_run(const struct worker_options *o, struct worker_plan *plan,
                       char *channel);

#endif
