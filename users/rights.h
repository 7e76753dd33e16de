/* SPDX-License-Identifier: MIT
 *
 * rights - which channels a user may publish to, and which patterns it may
 * subscribe to. There are only lines that allow; what no line allows is
 * refused.
 *
 * A subscription is allowed when every channel that its pattern can match is
 * matched by some line, exactly: neither more nor less. Lines are patterns as
 * clients write them, with both fences, so "**" allows neither a queue nor
 * anything below "/sys".
 */
#ifndef SLUICE_USERS_RIGHTS_H
#define SLUICE_USERS_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pattern.h"

enum { RIGHTS_LINES_MAX = 64 }; /* of each kind, a user's and its role's */

struct rights_line {
    struct pattern pattern;
    unsigned number; /* of the line in the users file */
};

struct rights_lines {
    size_t count;                          /* at most RIGHTS_LINES_MAX */
    const struct rights_line *const *rows; /* borrowed; NULL when none */
};

struct rights {
    struct rights_lines publish, subscribe;
    bool may_monitor; /* documents, metrics, the page */
};

/* Whether they allow the same by the same lines: then so does all that was
 * decided by them. */
bool rights_are_equal(const struct rights *a, const struct rights *b);

/* A set of lines, by their index. */
typedef uint64_t rights_set;

/* Whether messages may be published to a channel. *by, unless NULL, is then
 * the line that allows it. "/null" is allowed to all: what is sent there is
 * discarded. */
bool rights_may_publish(const struct rights *r, const uint8_t *name,
                        size_t length, rights_set *by);

/* The same for subscribing to one channel. */
bool rights_may_read(const struct rights *r, const uint8_t *name, size_t length,
                     rights_set *by);

/* Whether a pattern, which is not one of a configuration, may be subscribed
 * to. *by, unless NULL, are then the lines that together allow it. That a name
 * has 255 octets at most is not considered: a pattern of which only that limit
 * cuts off what no line allows is refused. */
bool rights_may_subscribe(const struct rights *r, const struct pattern *p,
                          rights_set *by);

#endif
