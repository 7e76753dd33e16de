/* SPDX-License-Identifier: MIT */
#include "client/channel_hint.h"

#include "client/complain.h"
#include "common/suggest.h"
#include "proto/channel_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CHANNEL_HINT_TOPIC "/topic"

enum { CHANNEL_HINT_SEGMENT_BYTES = 16 };

static bool channel_hint_is_in(const char *channel, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(channel, folder, n) == 0 &&
           (channel[n] == '\0' || channel[n] == '/');
}

/* --- the mistakes -------------------------------------------------------- */

/* Each prints its warning and returns true, or returns false. */

static bool channel_hint_of_sink(const char *channel, enum channel_use use)
{
    if (strcmp(channel, CHANNEL_NAME_NULL) != 0)
        return false;
    complain(EXIT_DONE,
             use == CHANNEL_PUBLISH
                 ? "warning: " CHANNEL_NAME_NULL " discards every message"
                 : "warning: nothing ever arrives on " CHANNEL_NAME_NULL
                   ", which discards every message");
    return true;
}

static bool channel_hint_of_own(const char *channel, enum channel_use use)
{
    if (!channel_hint_is_in(channel, CHANNEL_NAME_SYS))
        return false;
    complain(EXIT_DONE, "warning: %s is the broker's own: %s", channel,
             use == CHANNEL_PUBLISH ? "what clients send there is discarded"
                                    : "what clients send there never arrives");
    return true;
}

static bool channel_hint_of_slash(const char *channel, enum channel_use use)
{
    (void)use;
    if (*channel == '/')
        return false;
    complain(EXIT_DONE,
             "warning: '%s' is a topic, and another channel than '/%s'; is a "
             "slash missing?",
             channel, channel);
    return true;
}

/* A longer first segment is not one letter from either. */
static bool channel_hint_of_spelling(const char *channel, enum channel_use use)
{
    (void)use;
    char first[CHANNEL_HINT_SEGMENT_BYTES];
    size_t n = 1 + strcspn(channel + 1, "/");
    if (n >= sizeof first ||
        strncmp(channel, CHANNEL_NAME_QUEUE, strlen(CHANNEL_NAME_QUEUE)) == 0)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)n, channel);
    struct suggestion s = suggest_for(first);
    suggest_try(&s, CHANNEL_NAME_QUEUE);
    suggest_try(&s, CHANNEL_HINT_TOPIC);
    if (!s.best || s.distance != 1)
        return false;
    complain(EXIT_DONE, "warning: '%s' is a topic; did you mean '%s%s'?",
             channel, s.best, channel + n);
    return true;
}

static bool channel_hint_of_star(const char *channel, enum channel_use use)
{
    (void)use;
    if (!strchr(channel, '*'))
        return false;
    complain(EXIT_DONE,
             "warning: '%s' is one channel of that name; a star is not a "
             "wildcard here",
             channel);
    return true;
}

static bool (*const channel_hints[])(const char *, enum channel_use) = {
    channel_hint_of_sink,     channel_hint_of_own,  channel_hint_of_slash,
    channel_hint_of_spelling, channel_hint_of_star,
};

void channel_hint_print(const char *channel, enum channel_use use)
{
    size_t count = sizeof channel_hints / sizeof *channel_hints;
    for (size_t i = 0; i < count; i++)
        if (channel_hints[i](channel, use))
            return;
}
