/* SPDX-License-Identifier: MIT
 *
 * admission - how much memory may be taken by what is not complete, of all
 * clients together. It knows partial messages, and not whose they are.
 */
#ifndef SLUICE_SESSION_ADMISSION_H
#define SLUICE_SESSION_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"

struct partial;

/* What is not complete, by the row of its share in admission.c. */
enum admission_class {
    ADMISSION_HEADS,     /* beginnings, kept until more of them comes */
    ADMISSION_UNGRANTED, /* what came of large messages before a grant */
    ADMISSION_REVOKED,   /* what came of those that lost theirs */
    ADMISSION_GRANTED,   /* the whole of those that have one */
    ADMISSION_TOTAL
};

enum {
    /* A grant that was not used for so long is revoked while others wait. */
    ADMISSION_IDLE_GRANT_MS = 50,
    /* A client that has sent nothing for so long in the middle of a frame
     * gives way when memory is short. */
    ADMISSION_STALLED_MS = 1000,
};

struct admission {
    struct budget *budget;
    uint64_t bytes[ADMISSION_TOTAL];
};

/* `budget` is borrowed. */
void admission_init(struct admission *a, struct budget *budget);

/* Charges what has just been kept; a large message begins to wait. */
void admission_keep(struct admission *a, struct partial *p);

/* Whether the classes that `p` was charged to are within their shares; true
 * for NULL. `is_proven`: its client has brought whole messages before. */
bool admission_fits(const struct admission *a, const struct partial *p,
                    bool is_proven);

/* Grants the memory for a large message that has none, if there is some: then
 * the budget has promised it. */
bool admission_grant(struct admission *a, struct partial *p);

/* Takes an unused grant back, unless that would leave too much lying around.
 * What comes next has to wait again. */
void admission_revoke(struct admission *a, struct partial *p);

/* It is complete, or given up: frees it, and *p is NULL. */
void admission_release(struct admission *a, struct partial **p);

/* Whether so little is kept that any client may bring much at once. */
bool admission_is_low(const struct admission *a);

#endif
