/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/world.h"

const struct name names[CHANNELS] = {
    {"/a", "/a", "wait", 0},
    {"/topic/b", "/topic/b", "drop-oldest", 3},
    {"/topic/new", "/topic/new", "drop-newest", 0},
    {"cut", "cut", "disconnect", 0},
    {"/t/\xc3\xa9 %*", "/t/%C3%A9%20%25%2A", "wait", 0},
    {"/queue/p", "/queue/p", NULL, 0},
    {"/queue/q r", "/queue/q%20r", NULL, 0},
    {"/queuefoo", "/queuefoo", NULL, 0},
};

const struct wild patterns[PATTERNS] = {
    {"/a", 0x01},
    {"/topic/b", 0x02},
    {"/topic/new", 0x04},
    {"cut", 0x08},
    {"/t/%C3%A9%20%25%2A", 0x10},
    {"/queue/p", 0x20},
    {"/queue/q%20r", 0x40},
    {"/queuefoo", 0x80},
    {"/topic/*", 0x06},
    {"/**", 0x17},
    {"**", 0x1f},
    {"/queue/*", 0x60},
};
