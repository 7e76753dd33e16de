/* SPDX-License-Identifier: MIT
 *
 * dump - prints messages of a journal.
 */
#ifndef SLUICE_CLIENT_JOURNAL_DUMP_H
#define SLUICE_CLIENT_JOURNAL_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "client/journal/survey.h"
#include "client/printer.h"
#include "proto/head.h"

struct dump {
    const struct survey *survey;
    const char *channel; /* NULL: all */
    uint64_t most;       /* messages */
    bool with_done;
    struct printer *printer;
    uint64_t now_ms; /* since 1970 */
    /* The answer. */
    uint64_t messages; /* printed */
    uint64_t unread;   /* that could not be read now */
    bool has_channel;  /* there is the one that was asked for */
    /* Of the message that is printed. */
    struct sluice_header headers[HEAD_PAIRS_MAX + 1];
    char texts[2 * HEAD_MAX]; /* of these headers, decoded */
};

/* Prints them channel by channel, in the order of their numbers. False, with
 * errno, when the output cannot be written, or there is no memory. */
bool dump_print(struct dump *d);

#endif
