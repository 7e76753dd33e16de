/* SPDX-License-Identifier: MIT */
#include "proto/greeting.h"

#include <stddef.h>
#include <string.h>

struct greeting {
    const char *protocol;
    const char *bytes;
    size_t length;
};

/* None of these can be the length of a first frame: the smallest, a TLS
 * record, would be a channel name of 369 MB. */
static const struct greeting greetings[] = {
    {"http", "GET ", 4},  {"http", "POST", 4},    {"http", "HEAD", 4},
    {"http", "PUT ", 4},  {"http", "DELE", 4},    {"http", "OPTI", 4},
    {"http", "PATC", 4},  {"http", "CONN", 4},    {"http", "TRAC", 4},
    {"http2", "PRI ", 4}, {"tls", "\x16\x03", 2}, {"ssh", "SSH-", 4},
};

const char *greeting_name(const uint8_t first[4])
{
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++)
        if (memcmp(first, greetings[i].bytes, greetings[i].length) == 0)
            return greetings[i].protocol;
    return NULL;
}
