/* SPDX-License-Identifier: MIT */
#include "client/lib/units/topics.h"

#include "client/lib/units/name_hash.h"

#include <stdlib.h>

enum { TOPICS_BUCKETS = 4096 };

struct sluice_topic {
    struct sluice_topic *next; /* in its bucket */
    uint64_t last;
    uint8_t length;
    uint8_t name[];
};

void sluice_topics_clear(struct sluice_topics *topics)
{
    for (uint32_t i = 0; topics->buckets && i < TOPICS_BUCKETS; i++)
        for (struct sluice_topic *t = topics->buckets[i], *next; t; t = next) {
            next = t->next;
            free(t);
        }
    free(topics->buckets);
    *topics = (struct sluice_topics){.buckets = NULL};
}

static uint32_t topics_hash(struct sluice_bytes name)
{
    return name_hash(name.data, name.length) % TOPICS_BUCKETS;
}

static struct sluice_topic *topics_find(const struct sluice_topics *topics,
                                        struct sluice_bytes name)
{
    if (!topics->buckets)
        return NULL;
    struct sluice_topic *t = topics->buckets[topics_hash(name)];
    while (t && (t->length != name.length ||
                 memcmp(t->name, name.data, name.length) != 0))
        t = t->next;
    return t;
}

bool sluice_topics_get(const struct sluice_topics *topics,
                       struct sluice_bytes name, uint64_t *last)
{
    const struct sluice_topic *t = topics_find(topics, name);
    if (t)
        *last = t->last;
    return t != NULL;
}

static void topics_add(struct sluice_topics *topics, struct sluice_bytes name,
                       uint64_t last)
{
    if (topics->count == SLUICE_TOPICS_MAX)
        sluice_topics_clear(topics);
    if (!topics->buckets)
        topics->buckets = calloc(TOPICS_BUCKETS, sizeof(*topics->buckets));
    struct sluice_topic *t = malloc(sizeof *t + name.length);
    if (!topics->buckets || !t) {
        free(t);
        return;
    }
    t->last = last;
    t->length = (uint8_t)name.length;
    memcpy(t->name, name.data, name.length);
    struct sluice_topic **bucket = &topics->buckets[topics_hash(name)];
    t->next = *bucket;
    *bucket = t;
    topics->count++;
}

void sluice_topics_set(struct sluice_topics *topics, struct sluice_bytes name,
                       uint64_t last)
{
    struct sluice_topic *t = topics_find(topics, name);
    if (t)
        t->last = last;
    else
        topics_add(topics, name, last);
}

void sluice_topics_sweep(struct sluice_topics *topics,
                         bool (*is_over)(void *arg, struct sluice_bytes name),
                         void *arg)
{
    for (uint32_t i = 0; topics->buckets && i < TOPICS_BUCKETS; i++)
        for (struct sluice_topic **at = &topics->buckets[i]; *at;) {
            struct sluice_topic *t = *at;
            if (!is_over(arg, (struct sluice_bytes){t->name, t->length})) {
                at = &t->next;
                continue;
            }
            *at = t->next;
            free(t);
            topics->count--;
        }
}
