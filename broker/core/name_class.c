/* SPDX-License-Identifier: MIT */
#include "broker/core/name_class.h"

#include <stdbool.h>
#include <string.h>

#include "proto/channel_name.h"

struct class_row {
    const char *text;
    size_t length;
    bool is_prefix; /* else the whole name */
    enum name_class name_class;
};

#define TEXT(text) text, sizeof(text) - 1

static const struct class_row rows[] = {
    {TEXT(CHANNEL_NAME_QUEUE), true, NAME_QUEUE}, /* "/queuefoo" counts */
    {TEXT(CHANNEL_NAME_NULL), false, NAME_NULL},
    {TEXT(CHANNEL_NAME_SYS), false, NAME_SYS},
    {TEXT(CHANNEL_NAME_SYS "/"), true, NAME_SYS},
};

enum name_class name_class_of(const uint8_t *name, size_t length)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = rows[i].length;
        bool fits = rows[i].is_prefix ? length >= n : length == n;
        if (fits && memcmp(name, rows[i].text, n) == 0)
            return rows[i].name_class;
    }
    return NAME_TOPIC;
}
