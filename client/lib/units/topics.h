/* SPDX-License-Identifier: MIT
 *
 * topics - the last number of each topic that messages came from, on this
 * connection, so that a hole is noticed. Bounded: when there are too many, all
 * are forgotten, and a hole beside that moment is not noticed.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_TOPICS_H
#define SLUICE_CLIENT_LIB_UNITS_TOPICS_H

#include "client/sluice.h"

enum { SLUICE_TOPICS_MAX = 16384 }; /* as many as a broker lets us read */

struct sluice_topic;

struct sluice_topics {
    struct sluice_topic **buckets; /* NULL while there is none */
    uint32_t count;
};

/* Forgets all, and frees their memory. */
void sluice_topics_clear(struct sluice_topics *topics);

/* The last number of this topic; false when it is not known. */
bool sluice_topics_get(const struct sluice_topics *topics,
                       struct sluice_bytes name, uint64_t *last);

/* Sets it. Without memory it is not remembered. */
void sluice_topics_set(struct sluice_topics *topics, struct sluice_bytes name,
                       uint64_t last);

/* Forgets the topics for which `is_over` is true. */
void sluice_topics_sweep(struct sluice_topics *topics,
                         bool (*is_over)(void *arg, struct sluice_bytes name),
                         void *arg);

#endif
