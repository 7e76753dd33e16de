/* SPDX-License-Identifier: MIT */
#include "broker/monitor/identity.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    HUES = 1536, /* six edges of the colour cube, 256 steps each */
    DARK = 40,   /* in this range a colour is visible on black and on white */
    SPAN = 150,
};

void identity_name(const char *address, char out[IDENTITY_NAME_BYTES])
{
    char host[128], pid[16];
    const char *colon = strrchr(address, ':');
    const char *port = colon ? colon + 1 : address;
    if (gethostname(host, sizeof host) != 0)
        snprintf(host, sizeof host, "sluice");
    host[sizeof host - 1] = '\0';
    snprintf(pid, sizeof pid, "%d", getpid());
    snprintf(out, IDENTITY_NAME_BYTES, "%s:%s", host,
             strcmp(port, "0") == 0 ? pid : port);
}

/* FNV-1a: names that differ in one digit get colours far apart. */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h ^ h >> 16;
}

/* The level of one component along the six edges of the cube: rising, full,
 * full, falling, none, none. */
static unsigned channel_at(unsigned place)
{
    unsigned edge = place % HUES / 256, step = place % 256;
    const unsigned levels[] = {step, 255, 255, 255 - step, 0, 0};
    return DARK + levels[edge] * SPAN / 255;
}

void identity_color(const char *name, char out[IDENTITY_COLOR_BYTES])
{
    unsigned hue = hash(name) % HUES;
    snprintf(out, IDENTITY_COLOR_BYTES, "#%02x%02x%02x", channel_at(hue) & 0xff,
             channel_at(hue + HUES / 3) & 0xff,
             channel_at(hue + 2 * HUES / 3) & 0xff);
}
