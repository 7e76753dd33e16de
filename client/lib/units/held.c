/* SPDX-License-Identifier: MIT */
#include "client/lib/units/held.h"

#include <stdlib.h>

struct sluice_held_channel {
    struct sluice_held_channel *next;
    size_t length;
    uint8_t name[];
};

void sluice_held_clear(struct sluice_held *held)
{
    while (held->first) {
        struct sluice_held_channel *gone = held->first;
        held->first = gone->next;
        free(gone);
    }
    held->count = 0;
}

/* The link that leads to it, or the last one. */
static struct sluice_held_channel **held_find(struct sluice_held_channel **at,
                                              struct sluice_bytes channel)
{
    while (*at && ((*at)->length != channel.length ||
                   memcmp((*at)->name, channel.data, channel.length) != 0))
        at = &(*at)->next;
    return at;
}

void sluice_held_add(struct sluice_held *held, struct sluice_bytes channel)
{
    struct sluice_held_channel **at = held_find(&held->first, channel);
    if (*at || held->count == SLUICE_HELD_MAX)
        return;
    *at = malloc(sizeof **at + channel.length);
    if (!*at)
        return;
    (*at)->next = NULL;
    (*at)->length = channel.length;
    memcpy((*at)->name, channel.data, channel.length);
    held->count++;
}

void sluice_held_remove(struct sluice_held *held, struct sluice_bytes channel)
{
    struct sluice_held_channel **at = held_find(&held->first, channel);
    struct sluice_held_channel *gone = *at;
    if (!gone)
        return;
    *at = gone->next;
    free(gone);
    held->count--;
}

bool sluice_held_has(const struct sluice_held *held,
                     struct sluice_bytes channel)
{
    struct sluice_held_channel *first = held->first;
    return first && *held_find(&first, channel);
}
