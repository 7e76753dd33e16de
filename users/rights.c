/* SPDX-License-Identifier: MIT
 *
 * A pattern is judged by its witnesses: for each number of segments that the
 * names it matches can have, one name with the pattern's literals, and in the
 * place of each wildcard a segment that occurs in no line. A line that matches
 * this segment has a wildcard there, and so matches every other one. Therefore
 * a line that matches the witness matches all names of that length, and where
 * no line does, the witness itself is a name that nobody allows.
 *
 * Beyond the longest line, only those that end with "**" match anything, and
 * they match the witness of one segment more: longer ones need not be tried.
 */
#include "users/rights.h"

#include <string.h>

/* What occurs in no line is a slash, which no segment can contain. */
static const uint8_t fresh_segment[] = {'/'};

enum { WITNESS_OCTETS_MAX = PATTERN_OCTETS_MAX + 2 * PATTERN_SEGMENTS_MAX };

struct witness {
    struct pattern_name name;
    bool has_fresh; /* one at least */
    size_t used;    /* octets, with a slash behind each segment */
    uint8_t octets[WITNESS_OCTETS_MAX];
};

static void witness_add(struct witness *w, const uint8_t *segment,
                        size_t length)
{
    memcpy(w->octets + w->used, segment, length);
    w->used += length;
    w->octets[w->used++] = '/';
    w->name.start[++w->name.segments] = (uint16_t)w->used;
}

static void witness_add_fresh(struct witness *w)
{
    witness_add(w, fresh_segment, sizeof fresh_segment);
    w->has_fresh = true;
}

/* Of a pattern with wildcards, `segments` of them, as many as it can match. */
static void witness_make(struct witness *w, const struct pattern *p,
                         unsigned segments)
{
    w->name = (struct pattern_name){.octets = w->octets, .world = p->world};
    w->has_fresh = false;
    w->used = 0;
    for (unsigned at = 0; at < p->length; at++) {
        uint8_t mark = p->octets[at];
        if (mark == PATTERN_ANY)
            witness_add_fresh(w);
        else if (mark == PATTERN_REST)
            while (w->name.segments < segments)
                witness_add_fresh(w);
        else {
            witness_add(w, p->octets + at + 1, mark);
            at += mark;
        }
    }
    /* Its octets look like those of other names if it has fresh segments; no
     * exact pattern has the length 0. */
    w->name.length = w->has_fresh ? 0 : (uint16_t)(w->used - 1);
}

/* The segments of a pattern, without a "**". */
static unsigned rights_segments(const struct pattern *p, bool *has_rest)
{
    unsigned segments = p->is_exact;
    *has_rest = false;
    if (p->is_exact) {
        for (unsigned at = 0; at < p->length; at++)
            segments += p->octets[at] == '/';
        return segments;
    }
    for (unsigned at = 0; at < p->length; at++, segments++) {
        uint8_t mark = p->octets[at];
        if (mark == PATTERN_REST) {
            *has_rest = true;
            break;
        }
        if (mark != PATTERN_ANY)
            at += mark;
    }
    return segments;
}

static unsigned rights_most_segments(const struct rights_lines *lines)
{
    unsigned most = 0;
    for (size_t i = 0; i < lines->count; i++) {
        bool has_rest;
        unsigned segments =
            rights_segments(&lines->rows[i]->pattern, &has_rest);
        if (segments > most)
            most = segments;
    }
    return most;
}

static bool rights_allow_name(const struct rights_lines *lines,
                              const struct pattern_name *name, rights_set *by)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (!pattern_matches_name(&lines->rows[i]->pattern, name))
            continue;
        *by |= (rights_set)1 << i;
        return true;
    }
    return false;
}

/* A witness for each number of segments. A "**" behind the first slash matches
 * the empty name, too, which no channel has. */
static bool rights_allow_pattern(const struct rights_lines *lines,
                                 const struct pattern *p, rights_set *by)
{
    bool has_rest;
    unsigned least = rights_segments(p, &has_rest), most = least;
    if (least == 0)
        least = 1;
    if (has_rest)
        most = rights_most_segments(lines) + 1;
    if (has_rest && most <= least)
        most = least + 1; /* if the least is the empty name's */
    if (most > PATTERN_SEGMENTS_MAX)
        most = PATTERN_SEGMENTS_MAX;
    for (unsigned segments = least; segments <= most; segments++) {
        struct witness witness;
        witness_make(&witness, p, segments);
        if (witness.used > 1 && !rights_allow_name(lines, &witness.name, by))
            return false;
    }
    return true;
}

static bool rights_allow(const struct rights_lines *lines, const uint8_t *name,
                         size_t length, rights_set *by)
{
    const size_t null = sizeof CHANNEL_NAME_NULL - 1;
    struct pattern_name cut;
    if (length == null && memcmp(name, CHANNEL_NAME_NULL, null) == 0)
        return true;
    pattern_cut(&cut, name, length);
    return rights_allow_name(lines, &cut, by);
}

bool rights_may_publish(const struct rights *r, const uint8_t *name,
                        size_t length, rights_set *by)
{
    rights_set none = 0;
    by = by ? by : &none;
    *by = 0;
    return rights_allow(&r->publish, name, length, by);
}

bool rights_may_read(const struct rights *r, const uint8_t *name, size_t length,
                     rights_set *by)
{
    rights_set none = 0;
    by = by ? by : &none;
    *by = 0;
    return rights_allow(&r->subscribe, name, length, by);
}

bool rights_may_subscribe(const struct rights *r, const struct pattern *p,
                          rights_set *by)
{
    rights_set none = 0;
    if (p->is_exact)
        return rights_may_read(r, p->octets, p->length, by);
    by = by ? by : &none;
    *by = 0;
    return rights_allow_pattern(&r->subscribe, p, by);
}

static bool lines_are_equal(const struct rights_lines *a,
                            const struct rights_lines *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct pattern *p = &a->rows[i]->pattern,
                             *q = &b->rows[i]->pattern;
        if (p->world != q->world || p->is_exact != q->is_exact ||
            p->length != q->length ||
            memcmp(p->octets, q->octets, p->length) != 0)
            return false;
    }
    return true;
}

bool rights_are_equal(const struct rights *a, const struct rights *b)
{
    return a->may_monitor == b->may_monitor &&
           lines_are_equal(&a->publish, &b->publish) &&
           lines_are_equal(&a->subscribe, &b->subscribe);
}
