/* SPDX-License-Identifier: MIT
 *
 * unit_option - the lower-case options of both directions, their names and
 * the range of their values, one row each. The rows of the verbs say which unit
 * takes which option.
 */
#ifndef SLUICE_PROTO_UNIT_OPTION_H
#define SLUICE_PROTO_UNIT_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/span.h"

/* name, kind of its value, least and most of a number or of milliseconds, of
 * a text its length as it is written */
#define UNIT_OPTIONS(X)                                                        \
    X(ack, YESNO, 0, 1)                                                        \
    X(confirm, CONFIRM, 0, 1)                                                  \
    X(conn, TEXT, 1, UINT32_MAX)                                               \
    X(credit, NUMBER, 1, 65535)                                                \
    X(delay, DURATION, 0, 3600000)                                             \
    X(drain, DURATION, 0, UINT64_MAX)                                          \
    X(drop, NUMBER, 0, INT64_MAX)                                              \
    X(feat, TEXT, 0, UINT32_MAX)                                               \
    X(held, NUMBER, 0, INT64_MAX)                                              \
    X(hold, NUMBER, 0, INT64_MAX)                                              \
    X(max, NUMBER, 0, INT64_MAX)                                               \
    X(mech, TEXT, 0, UINT32_MAX)                                               \
    X(name, TEXT, 0, 64)                                                       \
    X(new, NUMBER, 0, 1)                                                       \
    X(ping, PERIOD, 1000, 3600000)                                             \
    X(reply, ADDRESS, 0, 0)                                                    \
    X(reqs, NUMBER, 0, INT64_MAX)                                              \
    X(rid, RID, 0, 0)                                                          \
    X(run, TEXT, 1, UINT32_MAX)                                                \
    X(seq, NUMBER, 0, INT64_MAX)                                               \
    X(subs, NUMBER, 0, INT64_MAX)                                              \
    X(sync, NUMBER, 0, 1)                                                      \
    X(timeout, DURATION, 1, 3600000)                                           \
    X(try, NUMBER, 1, INT64_MAX)                                               \
    X(user, TEXT, 0, UINT32_MAX)                                               \
    X(v, NUMBER, 1, 999)                                                       \
    X(wait, DURATION, 100, 86400000)                                           \
    X(why, TEXT, 1, UINT32_MAX)

enum unit_option {
#define X(name, kind, least, most) UNIT_OPTION_##name,
    UNIT_OPTIONS(X)
#undef X
        UNIT_OPTION_COUNT, /* no option that this program knows */
};

/* A set of options. */
#define UNIT_BIT(name) (UINT32_C(1) << UNIT_OPTION_##name)
_Static_assert(UNIT_OPTION_COUNT <= 32, "a set of options is 32 bits");

/* As it is written in a head; a constant string. */
const char *unit_option_name(enum unit_option option);

/* UNIT_OPTION_COUNT when no option has that name. */
enum unit_option unit_option_find(struct span name);

/* Whether `value` is well-formed and in range (rule 9). *number is set for
 * those that are numbers: 1 for yes and for confirm=sync, durations in
 * milliseconds. */
bool unit_option_read(enum unit_option option, struct span value,
                      uint64_t *number);

/* A number as the wire has them: below 2^63, no sign, no leading zero. */
bool unit_number_read(struct span text, uint64_t *number);

/* Digits, and a unit, which is required: "250ms", "5s", "2m", "1h", "1d". */
bool unit_duration_read(struct span text, uint64_t *ms);

#endif
