/* SPDX-License-Identifier: MIT
 *
 * unit - one unit of a client, from its octets to the function that executes
 * it: a row for each verb. A unit is judged when its head is complete, before
 * its body is read; all checks come before any effect.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_H
#define SLUICE_SESSION_UNITS_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include "broker/session/reason.h"
#include "broker/session/verdict.h"
#include "proto/channel_name.h"
#include "proto/head.h"
#include "proto/pattern.h"
#include "proto/unit_error.h"

struct block;
struct parked_unit;
struct session;

struct unit {
    struct head head;    /* of its values, those are valid that its verb has */
    const uint8_t *text; /* of the head */
    uint32_t text_length;
    uint32_t body_length;
    const uint8_t *body;        /* NULL while it has not come */
    struct block *block;        /* NULL, or filled by the body frame alone */
    struct parked_unit *parked; /* it was set aside, and is let through; else
                                   NULL */
    /* For the handlers: the first argument, read. */
    uint8_t name[CHANNEL_NAME_MAX];
    size_t name_length;
    struct pattern pattern;
    uint64_t number; /* the second argument */
};

/* Before anything is read. The rest is filled by what comes first to need it:
 * clearing all of it would take longer than parsing a head. */
static inline void unit_begin(struct unit *u, struct block *block)
{
    u->body = NULL;
    u->block = block;
    u->parked = NULL;
}

/* Rules 2 to 14 for the text of a head and the length of its body. The rid and
 * the word of the head are valid in any case. */
enum unit_error unit_judge(struct session *s, struct unit *u, const void *text,
                           uint32_t length, uint32_t body_length);

/* Executes a unit that was judged and whose body has come. WAIT_GATE only when
 * it was parked: there is no room yet, and nothing was done. */
struct verdict unit_run(struct session *s, struct unit *u);

/* Answers with an error. GO_ON unless the error, or a lack of memory, ends the
 * session. */
struct verdict unit_refuse(struct session *s, const struct head *head,
                           enum unit_error error);

/* The session ends with a fatal error that no unit caused. */
struct verdict unit_end(struct session *s, enum unit_error error,
                        enum reason reason);

/* Answers that a unit was executed, if its sender wants to know. */
struct verdict unit_done(struct session *s, const struct head *head);

#endif
