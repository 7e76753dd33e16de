/* SPDX-License-Identifier: MIT
 *
 * confirmed - publishes the messages of a source in version 2, where each has a
 * receipt. What `sluice send` does when an option asks for them.
 */
#ifndef SLUICE_CLIENT_CONFIRMED_H
#define SLUICE_CLIENT_CONFIRMED_H

#include "client/cli_option.h"
#include "client/headers.h"
#include "client/send_plan.h"

/* When a receipt comes: when the message has its place in the broker's memory,
 * or when it is on disk. */
enum confirmed_mode { CONFIRMED_NO, CONFIRMED_ROUTE, CONFIRMED_SYNC };

/* The options that ask for more. */
struct confirmed_options {
    struct cli_option_texts headers;
    int shows; /* enum confirmed_mode: each receipt, on standard error */
    bool needs_reader; /* a message that no reader gets is a failure */
};

#define CONFIRMED_VALUE(at, field)                                             \
    ((at) + offsetof(struct confirmed_options, field))

/* Rows of a table of options; `at` is the offset of a confirmed_options in the
 * command's struct. */
#define CONFIRMED_OPTIONS(at)                                                  \
    HEADERS_OPTION(CONFIRMED_VALUE(at, headers)),                              \
        {"confirm",                                                            \
         CLI_OPTION_MODE,                                                      \
         CONFIRMED_VALUE(at, shows),                                           \
         "route|sync",                                                         \
         NULL,                                                                 \
         NULL,                                                                 \
         0,                                                                    \
         0,                                                                    \
         "print the broker's receipt for each message on standard error;\n"    \
         "      sync: only when the message is on disk, else fail"},           \
    {                                                                          \
        "need-reader", CLI_OPTION_FLAG, CONFIRMED_VALUE(at, needs_reader),     \
            NULL, NULL, NULL, 0, 0, "fail when a message has no reader"        \
    }

/* Whether any of them asks for what a receipt says. */
bool confirmed_is_wanted(const struct confirmed_options *o);

/* Sends everything; returns the exit status: EXIT_DONE when the broker has
 * confirmed every message. */
int confirmed_send(const struct send_plan *plan);

#endif
