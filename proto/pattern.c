/* SPDX-License-Identifier: MIT */
#include "proto/pattern.h"

#include <assert.h>
#include <string.h>

#include "proto/octet.h"
#include "proto/spelling.h"

/* A pattern as it is read: always in segments, and its spelling. */
struct pattern_reader {
    struct pattern *p;
    bool is_spelled; /* "%XX" is an octet */
    bool is_wild;
    unsigned decoded; /* octets so far, as the limit counts them */
};

/* Takes the octet at `at`, and returns where the next one is; NULL when no
 * segment may contain it. */
static const char *pattern_read_octet(const struct pattern_reader *r,
                                      const char *at, const char *end,
                                      uint8_t *octet)
{
    *octet = (uint8_t)*at;
    if (!r->is_spelled)
        return *at == '*' ? NULL : at + 1;
    if (octet_is(*octet, OCTET_PLAIN))
        return *at == '*' ? NULL : at + 1;
    if (*at != '%' || end - at <= 2 || !octet_all_are(at + 1, 2, OCTET_HEX))
        return NULL;
    *octet = (uint8_t)(octet_hex_value((uint8_t)at[1]) << 4 |
                       octet_hex_value((uint8_t)at[2]));
    return *octet == '/' ? NULL : at + SPELLING_GROWTH;
}

static bool pattern_read_literal(struct pattern_reader *r, const char *at,
                                 const char *end)
{
    struct pattern *p = r->p;
    uint8_t *mark = &p->octets[p->length++];
    *mark = 0;
    while (at < end) {
        uint8_t octet;
        at = pattern_read_octet(r, at, end, &octet);
        if (!at || ++r->decoded > CHANNEL_NAME_MAX)
            return false;
        p->octets[p->length++] = octet;
        ++*mark;
    }
    return true;
}

static bool pattern_read_segment(struct pattern_reader *r, const char *at,
                                 const char *end, bool is_last)
{
    struct span text = {at, (uint32_t)(end - at)};
    bool is_rest = is_last && span_is_text(text, "**");
    if (!is_rest && !span_is_text(text, "*"))
        return pattern_read_literal(r, at, end);
    r->is_wild = true;
    r->decoded += text.length;
    r->p->octets[r->p->length++] = is_rest ? PATTERN_REST : PATTERN_ANY;
    return true;
}

/* All segments, and the slashes between them. */
static bool pattern_read_segments(struct pattern_reader *r, struct span text)
{
    const char *at = text.text, *end = at + text.length;
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        if (r->decoded > CHANNEL_NAME_MAX ||
            !pattern_read_segment(r, at, slash ? slash : end, !slash))
            return false;
        if (!slash)
            return r->decoded <= CHANNEL_NAME_MAX;
        r->decoded++;
        at = slash + 1;
    }
}

/* Puts slashes where the lengths were. */
static void pattern_join(struct pattern *p)
{
    for (unsigned at = 0, next; at < p->length; at = next) {
        next = at + 1 + p->octets[at];
        p->octets[at] = '/';
    }
    p->length--;
    memmove(p->octets, p->octets + 1, sizeof p->octets - 1);
}

static bool pattern_read_as(struct pattern *p, struct span text,
                            bool is_spelled)
{
    struct pattern_reader reader = {.p = p, .is_spelled = is_spelled};
    p->length = 0;
    if (text.length == 0 || text.length > PATTERN_TEXT_MAX ||
        !pattern_read_segments(&reader, text))
        return false;
    p->is_exact = !reader.is_wild;
    if (p->is_exact)
        pattern_join(p);
    return true;
}

/* Whether the second of the segments begins with `word`, or is it, and the
 * first is empty: "/word". */
static bool pattern_begins(const struct pattern *p, const char *word,
                           bool is_prefix)
{
    size_t n = strlen(word);
    if (p->octets[0] != 0 || p->length < 2 + n || p->octets[1] >= PATTERN_ANY)
        return false;
    return (is_prefix ? p->octets[1] >= n : p->octets[1] == n) &&
           memcmp(p->octets + 2, word, n) == 0;
}

bool pattern_read(struct pattern *p, struct span text)
{
    if (text.length > 0 && *text.text == '@') /* a reply address */
        return false;
    if (!pattern_read_as(p, text, true))
        return false;
    if (p->is_exact)
        p->world = (uint8_t)pattern_world_of(p->octets, p->length);
    else if (pattern_begins(p, &CHANNEL_NAME_QUEUE[1], true))
        p->world = PATTERN_QUEUES;
    else if (pattern_begins(p, &CHANNEL_NAME_SYS[1], false))
        p->world = PATTERN_SYS;
    else
        p->world = PATTERN_TOPICS;
    return true;
}

bool pattern_read_plain(struct pattern *p, struct span text)
{
    p->world = PATTERN_ANYWHERE;
    return pattern_read_as(p, text, false);
}

struct pattern pattern_plain(const char *text)
{
    struct pattern p;
    bool is_pattern = pattern_read_plain(&p, span_of(text));
    assert(is_pattern);
    (void)is_pattern;
    return p;
}

enum pattern_world pattern_world_of(const uint8_t *name, size_t length)
{
    const size_t queue = sizeof CHANNEL_NAME_QUEUE - 1,
                 sys = sizeof CHANNEL_NAME_SYS - 1;
    if (length >= queue && memcmp(name, CHANNEL_NAME_QUEUE, queue) == 0)
        return PATTERN_QUEUES;
    if (length >= sys && memcmp(name, CHANNEL_NAME_SYS, sys) == 0 &&
        (length == sys || name[sys] == '/'))
        return PATTERN_SYS;
    return PATTERN_TOPICS;
}

void pattern_cut(struct pattern_name *name, const uint8_t *octets,
                 size_t length)
{
    assert(length <= CHANNEL_NAME_MAX);
    *name = (struct pattern_name){.octets = octets, .length = (uint16_t)length};
    name->world = (uint8_t)pattern_world_of(octets, length);
    for (uint16_t i = 0; i < length; i++)
        if (octets[i] == '/')
            name->start[++name->segments] = (uint16_t)(i + 1);
    name->start[++name->segments] = (uint16_t)(length + 1);
}

static bool pattern_matches_segments(const struct pattern *p,
                                     const struct pattern_name *name)
{
    unsigned segment = 0;
    for (unsigned at = 0; at < p->length; at++, segment++) {
        uint8_t mark = p->octets[at];
        if (mark == PATTERN_REST && p->world != PATTERN_ANYWHERE)
            return true;
        if (segment == name->segments)
            return false;
        if (mark == PATTERN_REST)
            return true;
        if (mark == PATTERN_ANY)
            continue;
        if (pattern_segment_length(name, segment) != mark ||
            memcmp(name->octets + name->start[segment], &p->octets[at + 1],
                   mark) != 0)
            return false;
        at += mark;
    }
    return segment == name->segments;
}

bool pattern_matches_name(const struct pattern *p,
                          const struct pattern_name *name)
{
    if (p->is_exact)
        return p->length == name->length &&
               memcmp(name->octets, p->octets, name->length) == 0;
    return (p->world == PATTERN_ANYWHERE || p->world == name->world) &&
           pattern_matches_segments(p, name);
}

/* Whether the name begins with all that is in front of the first wildcard. Most
 * names do not, and need not be cut then. */
static bool pattern_may_match(const struct pattern *p, const uint8_t *name,
                              size_t length)
{
    size_t from = 0;
    for (unsigned at = 0; at < p->length; at += 1u + p->octets[at]) {
        uint8_t mark = p->octets[at];
        if (mark == PATTERN_ANY || mark == PATTERN_REST)
            break;
        if (from + mark > length ||
            memcmp(name + from, &p->octets[at + 1], mark) != 0)
            return false;
        from += mark + 1u; /* and the slash */
    }
    return true;
}

bool pattern_matches(const struct pattern *p, const uint8_t *name,
                     size_t length)
{
    struct pattern_name cut;
    if (!p->is_exact && !pattern_may_match(p, name, length))
        return false;
    pattern_cut(&cut, name, length);
    return pattern_matches_name(p, &cut);
}

/* An '@' has no special meaning behind a slash. */
static char *pattern_write_literal(char *out, const uint8_t *octets,
                                   size_t length, bool is_first)
{
    if (!is_first && length > 0 && *octets == '@') {
        *out++ = '@';
        octets++;
        length--;
    }
    return out + spelling_write_channel(out, octets, length);
}

size_t pattern_write(const struct pattern *p, char out[PATTERN_TEXT_MAX])
{
    char *end = out;
    if (p->is_exact)
        return spelling_write_channel(out, p->octets, p->length);
    for (unsigned at = 0; at < p->length; at++) {
        uint8_t mark = p->octets[at];
        if (at > 0)
            *end++ = '/';
        if (mark == PATTERN_ANY || mark == PATTERN_REST) {
            memcpy(end, "**", 2);
            end += mark == PATTERN_ANY ? 1 : 2;
        } else {
            end = pattern_write_literal(end, p->octets + at + 1, mark, at == 0);
            at += mark;
        }
    }
    return (size_t)(end - out);
}
