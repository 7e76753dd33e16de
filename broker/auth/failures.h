/* SPDX-License-Identifier: MIT
 *
 * failures - who fails to say who they are is slowed down, by where they come
 * from: an IPv4 address, or the first 64 bits of one of IPv6. Ten failures at
 * once are nothing special, then there is one each second. Accounts are never
 * locked: that would let anybody lock out the honest.
 */
#ifndef SLUICE_AUTH_FAILURES_H
#define SLUICE_AUTH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/siphash.h"
#include "users/network.h"

enum {
    FAILURES_AT_ONCE = 10,
    FAILURES_INTERVAL_MS = 1000,     /* between those that follow */
    FAILURES_SUSPECT_MS = 60 * 1000, /* a source is one so long after them */
    FAILURES_SOURCES = 4096,         /* remembered; the oldest gives way */
    FAILURES_WAYS = 8,               /* places for sources of one hash */
};

struct failures_source {
    struct network source; /* version 0: a free place */
    uint64_t paid_at_ms;   /* when all its failures will be forgotten */
};

struct failures {
    struct siphash_key key;
    struct failures_source sources[FAILURES_SOURCES / FAILURES_WAYS]
                                  [FAILURES_WAYS];
};

/* Nobody has failed yet. */
void failures_init(struct failures *f);

/* Where a peer comes from, as failures are counted. */
struct network failures_source_of(const struct network *peer);

/* How long the source has to wait before it may try, in milliseconds; 0: it may
 * now. */
uint32_t failures_wait_ms(const struct failures *f,
                          const struct network *source, uint64_t now_ms);

/* Whether it has failed lately. */
bool failures_suspect(const struct failures *f, const struct network *source,
                      uint64_t now_ms);

/* It has failed. */
void failures_add(struct failures *f, const struct network *source,
                  uint64_t now_ms);

#endif
