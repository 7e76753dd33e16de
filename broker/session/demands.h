/* SPDX-License-Identifier: MIT
 *
 * demands - what is demanded of the clients that connect at one address, and
 * what they may do there.
 */
#ifndef SLUICE_SESSION_DEMANDS_H
#define SLUICE_SESSION_DEMANDS_H

#include <stdbool.h>

struct demands {
    bool may_use_tls : 1;
    bool must_use_tls : 1;
    bool must_be_known : 1; /* if there is a users file */
    bool may_use_v1 : 1;
};

/* Of an address at which nothing is demanded. */
static inline struct demands demands_none(void)
{
    return (struct demands){.may_use_tls = true, .may_use_v1 = true};
}

#endif
