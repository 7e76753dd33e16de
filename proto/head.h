/* SPDX-License-Identifier: MIT
 *
 * head - the text of a unit, taken apart: a verb, arguments, then options and
 * headers in any order. One pass, no allocation; the parts point into the
 * bytes, and are still spelled as they were sent. Rules 3 to 6 of the
 * specification; the rest is legality.h.
 *
 *     SUB /queue/jobs ack=yes credit=4 rid=7
 *     /topic/a Unit=C rid=8                     PUB left out; Unit is a header
 */
#ifndef SLUICE_PROTO_HEAD_H
#define SLUICE_PROTO_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/span.h"
#include "proto/unit_error.h"
#include "proto/unit_option.h"
#include "proto/verb.h"

enum {
    HEAD_VERSION = 2,
    HEAD_MAX = 4096,        /* octets, both directions (rule 1) */
    HEAD_ARGUMENTS = 3,     /* kept; further ones are counted */
    HEAD_PAIRS_MAX = 32,    /* options and headers together (rule 6) */
    HEAD_OPTION_MAX = 32,   /* octets of an option's name */
    HEAD_HEADER_MAX = 64,   /* octets of a header's name */
    HEAD_ROUTED_MAX = 3800, /* channel and headers of what is routed */
};

struct head_pair {
    struct span name, value;
};

struct head {
    struct span word; /* the verb as written; "" when PUB was left out */
    enum verb_id verb;
    bool has_stranger; /* an unknown option without '?' */
    bool has_twin;     /* an option twice */
    uint8_t header_count;
    uint16_t header_octets; /* of all headers, each with a space before it */
    uint16_t argument_count;
    uint32_t options;  /* set of those known: its values are in `values` */
    uint32_t optional; /* those of them that were written with '?' */
    struct span rid;   /* "" unless there is exactly one, well-formed */
    struct span arguments[HEAD_ARGUMENTS];
    struct span values[UNIT_OPTION_COUNT];
    struct head_pair headers[HEAD_PAIRS_MAX]; /* in their order */
};

/* Takes a head apart. UNIT_BAD_HEAD or UNIT_BAD_VERB by the first of the rules
 * 3 to 6 that fails; only the rid of `head` is valid then. An unknown verb is
 * not an error here: it is VERB_COUNT. */
enum unit_error head_parse(struct head *head, const void *bytes,
                           uint32_t length);

/* The same for what a broker sent, in which a client ignores what it does not
 * know: further arguments anywhere, pairs that are neither option nor header,
 * pairs beyond HEAD_PAIRS_MAX. False when it is no head at all (rules 3, 4). */
bool head_parse_leniently(struct head *head, const void *bytes,
                          uint32_t length);

/* Whether a connection that begins like this is one of sluice, of any version:
 * "\0SLUICE/". */
bool head_is_opening(const void *bytes, uint32_t length);

/* Takes such a head apart. UNIT_VERSION when it asks for a version other than
 * HEAD_VERSION, whatever follows; else as head_parse(). */
enum unit_error head_parse_opening(struct head *head, const void *bytes,
                                   uint32_t length);

/* Whether `name` can be that of a header. */
bool head_is_header(struct span name);

static inline bool head_has(const struct head *head, enum unit_option option)
{
    return (head->options >> option & 1) != 0;
}

/* Whether a legal PUB asks for a receipt from the disk. */
static inline bool head_wants_sync(const struct head *head)
{
    uint64_t is_sync = 0;
    return head_has(head, UNIT_OPTION_confirm) &&
           unit_option_read(UNIT_OPTION_confirm,
                            head->values[UNIT_OPTION_confirm], &is_sync) &&
           is_sync;
}

#endif
