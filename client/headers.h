/* SPDX-License-Identifier: MIT
 *
 * headers - the headers that -H gives on a command line, as NAME=VALUE.
 */
#ifndef SLUICE_CLIENT_HEADERS_H
#define SLUICE_CLIENT_HEADERS_H

#include "client/cli_option.h"
#include "client/sluice.h"

struct headers {
    struct sluice_header list[SLUICE_HEADERS_MAX + 1]; /* as calls take it */
    char names[CLI_OPTION_TEXTS_MAX][65];
};

/* A row of a table of options; `at` is the offset of a cli_option_texts in the
 * command's struct. */
#define HEADERS_OPTION(at)                                                     \
    {                                                                          \
        "header", CLI_OPTION_TEXTS, (at), "HEADER", NULL, NULL, 0, 0,          \
            "send HEADER, which is Name=value, along; may be repeated"         \
    }

/* Reads them; their values stay where they are. False, with a sentence, when
 * one is none. */
bool headers_read(struct headers *h, const struct cli_option_texts *texts,
                  struct sentence *why);

#endif
