/* SPDX-License-Identifier: MIT */
#include "broker/core/route.h"

#include <stdbool.h>
#include <string.h>

struct route_rule {
    const char *text;
    bool is_prefix; /* else the whole name */
    enum route route;
};

static const struct route_rule rules[] = {
    {"/queue", true, ROUTE_QUEUE}, /* a bare prefix: "/queuefoo" counts */
    {"/null", false, ROUTE_NULL},
    {"/sys", false, ROUTE_SYS},
    {"/sys/", true, ROUTE_SYS},
};

enum route route_of(const uint8_t *name, size_t length)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        size_t n = strlen(rules[i].text);
        bool fits = rules[i].is_prefix ? length >= n : length == n;
        if (fits && memcmp(name, rules[i].text, n) == 0)
            return rules[i].route;
    }
    return ROUTE_TOPIC;
}
