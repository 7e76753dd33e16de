/* SPDX-License-Identifier: MIT
 *
 * tries - what is known of all who try to show who they are, wherever they
 * connect: sources that have failed, passwords that were right a short while
 * ago, and the thread that compares the others. A source is a struct network as
 * tries_source() makes it: those of one source are equal by network_compare().
 */
#ifndef SLUICE_AUTH_TRIES_H
#define SLUICE_AUTH_TRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/auth/failures.h"
#include "broker/auth/recalled.h"

struct checks;
struct user;
struct users;

struct tries {
    struct checks *checks;
    struct failures failures;
    struct recalled recalled;
    struct users *users; /* that `recalled` is about; owned; NULL: nobody yet */
};

/* NULL without memory, or when the system refuses. */
struct tries *tries_new(void);

/* NULL is allowed. */
void tries_free(struct tries *t);

/* The time for `failures` and `recalled`: the loop's own clock begins anew
 * after 49 days. */
uint64_t tries_now_ms(void);

/* Where a client comes from, as failures are counted. `peer` NULL: a unix
 * socket, and the source has the version 0. */
struct network tries_source(const struct network *peer);

/* How long a source has to wait before it may try, in milliseconds; 0: it may
 * now, as a unix socket always may. */
uint32_t tries_wait_ms(const struct tries *t, const struct network *source);

/* Whether its passwords are compared behind those of others: it has failed
 * lately. */
bool tries_is_suspect(const struct tries *t, const struct network *source);

/* A source has shown what is nobody's. */
void tries_fail(struct tries *t, const struct network *source);

/* A digest of the hash that a password of this user is compared with; the same
 * one for nobody, NULL, and for those who have no password. A file that changes
 * faster than passwords are compared changes few of them. */
uint64_t tries_hash(const struct tries *t, const struct user *user);

/* Whether that user has shown this secret a short while ago, among the same
 * users. The digest is for tries_remember. */
bool tries_recall(struct tries *t, struct users *users, const struct user *user,
                  const void *secret, size_t length,
                  uint8_t digest[RECALLED_DIGEST_BYTES]);

/* The secret of this digest was right. If there are other users by now it is
 * not remembered. */
void tries_remember(struct tries *t, const struct users *users,
                    const struct user *user,
                    const uint8_t digest[RECALLED_DIGEST_BYTES]);

#endif
