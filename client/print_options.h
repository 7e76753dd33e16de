/* SPDX-License-Identifier: MIT
 *
 * print_options - the options of the commands that print messages, so that
 * they are spelled alike.
 */
#ifndef SLUICE_CLIENT_PRINT_OPTIONS_H
#define SLUICE_CLIENT_PRINT_OPTIONS_H

#include "client/cli_option.h"
#include "client/printer.h"

struct print_options {
    int format; /* enum printer_format, in the order of its words */
    bool has_times, is_raw;
};

/* Rows of a table of options; `at` is the offset of a print_options in the
 * command's struct. */
#define PRINT_OPTIONS_FORMAT(at)                                               \
    {                                                                          \
        "format", CLI_OPTION_CHOICE,                                           \
            (at) + offsetof(struct print_options, format), "text|json|raw",    \
            "text", NULL, 0, 0,                                                \
            "lines of text, a JSON object per line, or the bytes alone"        \
    }
#define PRINT_OPTIONS_RAW(at)                                                  \
    {                                                                          \
        "raw", CLI_OPTION_FLAG, (at) + offsetof(struct print_options, is_raw), \
            NULL, NULL, NULL, 0, 0, "print the bytes alone, like --format raw" \
    }
#define PRINT_OPTIONS_TIMES(at)                                                \
    {                                                                          \
        "timestamps", CLI_OPTION_FLAG,                                         \
            (at) + offsetof(struct print_options, has_times), NULL, NULL,      \
            NULL, 0, 0,                                                        \
            "print the time before each line of text; JSON always has it"      \
    }

/* Whether any of them is given. */
bool print_options_are_given(const struct print_options *o);

/* Why they contradict each other, a sentence for the user, or NULL. */
const char *print_options_wrong(const struct print_options *o);

/* For standard output. `channel` is borrowed. */
void print_options_apply(const struct print_options *o, struct printer *p,
                         const char *channel);

#endif
