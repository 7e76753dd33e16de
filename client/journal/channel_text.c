/* SPDX-License-Identifier: MIT */
#include "client/journal/channel_text.h"

#include <string.h>

#include "client/escape.h"

void channel_text(const struct catalog_channel *channel,
                  char out[CHANNEL_TEXT_BYTES])
{
    const uint8_t *name = channel->name;
    size_t left = channel->name_bytes, shown;
    while (left > 0) {
        size_t n = escape_next(name, left, out, &shown);
        out += shown;
        name += n;
        left -= n;
    }
    *out = '\0';
}

bool channel_text_is(const struct catalog_channel *channel, const char *typed)
{
    char text[CHANNEL_TEXT_BYTES];
    if (strlen(typed) == channel->name_bytes &&
        memcmp(typed, channel->name, channel->name_bytes) == 0)
        return true;
    channel_text(channel, text);
    return strcmp(typed, text) == 0;
}
