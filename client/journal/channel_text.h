/* SPDX-License-Identifier: MIT
 *
 * channel_text - a channel's name, which may be any bytes, as people read and
 * type it.
 */
#ifndef SLUICE_CLIENT_JOURNAL_CHANNEL_TEXT_H
#define SLUICE_CLIENT_JOURNAL_CHANNEL_TEXT_H

#include <stdbool.h>

#include "client/journal/catalog.h"

enum { CHANNEL_TEXT_BYTES = 4 * JOURNAL_NAME_MAX + 1 };

/* The name with what a terminal must not see escaped: "/a\x00b". */
void channel_text(const struct catalog_channel *channel,
                  char out[CHANNEL_TEXT_BYTES]);

/* Whether `typed` is the name, or what channel_text() makes of it. */
bool channel_text_is(const struct catalog_channel *channel, const char *typed);

#endif
