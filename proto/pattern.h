/* SPDX-License-Identifier: MIT
 *
 * pattern - a set of channels, for subscriptions and for the rules of a
 * configuration. It is compared segment by segment, the segments being what
 * stands between slashes:
 *
 *     *     any one segment, also an empty one
 *     **    whatever is left, also nothing; only as the last segment
 *     else  exactly this segment
 *
 * Two fences keep worlds apart. A pattern that begins with the octets "/queue"
 * matches queues only, and no other pattern matches a queue. The same holds for
 * the broker's own channels and patterns that begin with the segments of
 * "/sys". The rules of a configuration have no fences, and their "**" stands
 * for one segment at least, so that a rule for what lies below a name is not
 * one for the name itself.
 */
#ifndef SLUICE_PROTO_PATTERN_H
#define SLUICE_PROTO_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/channel_name.h"
#include "proto/span.h"

#define PATTERN_FORM                                                           \
    "a channel name in which '*' stands for one segment and '**', at the "     \
    "end, for the rest"

enum pattern_world {
    PATTERN_TOPICS,
    PATTERN_QUEUES,
    PATTERN_SYS,
    PATTERN_ANYWHERE, /* of patterns only: no fences */
};

enum {
    PATTERN_SEGMENTS_MAX = CHANNEL_NAME_MAX + 1,
    PATTERN_OCTETS_MAX = CHANNEL_NAME_MAX + 1,
    PATTERN_TEXT_MAX = 3 * CHANNEL_NAME_MAX, /* as it is spelled */
};

/* An exact pattern's octets are those of its only channel. The others are cut
 * into segments, each behind its length, which is never as much as the marks
 * for the wildcards: that of "t", any segment and whatever is left is
 *
 *     01 't'  PATTERN_ANY  PATTERN_REST
 *
 * So among patterns of one kind those with equal octets are equal, however they
 * were spelled. */
struct pattern {
    uint8_t world; /* enum pattern_world */
    bool is_exact;
    uint16_t length; /* of octets */
    uint8_t octets[PATTERN_OCTETS_MAX];
};

enum { PATTERN_ANY = 254, PATTERN_REST = 255 };

/* Reads a pattern as it is written in a head, "%XX" and all. False when it is
 * not one (rule 11), whatever `text` consists of. */
bool pattern_read(struct pattern *p, struct span text);

/* Reads one as people write it in a configuration: every octet but '*' and '/'
 * stands for itself, and there are no fences. */
bool pattern_read_plain(struct pattern *p, struct span text);

/* The same of a text that is known to be one. */
struct pattern pattern_plain(const char *text);

/* A channel's name, cut once for many patterns. */
struct pattern_name {
    const uint8_t *octets; /* borrowed */
    uint16_t length;
    uint16_t segments;
    uint8_t world;                            /* enum pattern_world */
    uint16_t start[PATTERN_SEGMENTS_MAX + 1]; /* of each segment; then of what
                                                 would be the next */
};

static inline uint16_t pattern_segment_length(const struct pattern_name *name,
                                              unsigned segment)
{
    return (uint16_t)(name->start[segment + 1] - 1 - name->start[segment]);
}

/* `length` is at most CHANNEL_NAME_MAX. */
void pattern_cut(struct pattern_name *name, const uint8_t *octets,
                 size_t length);

/* `name` was cut by pattern_cut(). */
bool pattern_matches_name(const struct pattern *p,
                          const struct pattern_name *name);

/* The same for a single question. */
bool pattern_matches(const struct pattern *p, const uint8_t *name,
                     size_t length);

/* Writes the canonical spelling and returns its length. */
size_t pattern_write(const struct pattern *p, char out[PATTERN_TEXT_MAX]);

/* The world of a channel. */
enum pattern_world pattern_world_of(const uint8_t *name, size_t length);

#endif
