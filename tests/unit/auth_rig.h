/* SPDX-License-Identifier: MIT
 *
 * auth_rig - what tests of who somebody is have in common.
 */
#ifndef SLUICE_TESTS_UNIT_AUTH_RIG_H
#define SLUICE_TESTS_UNIT_AUTH_RIG_H

#include <crypt.h>

#include "users/network.h"

/* A hash that is made quickly; USUAL_COST is that of `sluice passwd`. */
enum { QUICK_COST = 1, USUAL_COST = 5 };

static inline const char *rig_hash(const char *password, unsigned long cost)
{
    static struct crypt_data data;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    crypt_gensalt_rn("$y$", cost, NULL, 0, setting, sizeof setting);
    return crypt_r(password, setting, &data);
}

static inline struct network rig_peer(const char *text)
{
    struct network peer;
    (void)!network_parse(text, &peer);
    return peer;
}

#endif
