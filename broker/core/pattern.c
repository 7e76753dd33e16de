/* SPDX-License-Identifier: MIT */
#include "broker/core/pattern.h"

#include <string.h>

#include "proto/channel_name.h"

static size_t segment_length(const char *text)
{
    return strcspn(text, "/");
}

static bool is_rest(const char *segment, size_t length)
{
    return length == 2 && memcmp(segment, "**", 2) == 0;
}

static bool is_any(const char *segment, size_t length)
{
    return length == 1 && *segment == '*';
}

bool pattern_is_valid(const char *text)
{
    if (*text == '\0' || strlen(text) > CHANNEL_NAME_MAX)
        return false;
    for (;;) {
        size_t n = segment_length(text);
        bool is_last = text[n] == '\0';
        bool is_wild = is_any(text, n) || (is_rest(text, n) && is_last);
        if (!is_wild && memchr(text, '*', n))
            return false;
        if (is_last)
            return true;
        text += n + 1;
    }
}

bool pattern_matches(const char *pattern, const uint8_t *name, size_t length)
{
    const uint8_t *end = name + length;
    for (;;) {
        size_t n = segment_length(pattern);
        if (is_rest(pattern, n))
            return true;
        const uint8_t *slash = memchr(name, '/', (size_t)(end - name));
        size_t have = (size_t)((slash ? slash : end) - name);
        if (!is_any(pattern, n) && (have != n || memcmp(pattern, name, n) != 0))
            return false;
        bool is_last = pattern[n] == '\0';
        if (is_last || !slash)
            return is_last && !slash;
        pattern += n + 1;
        name = slash + 1;
    }
}
