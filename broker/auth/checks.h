/* SPDX-License-Identifier: MIT
 *
 * checks - passwords against their hashes, which takes 26 ms each on purpose:
 * on a thread of its own, which begins with the first of them and gives way to
 * all others. Those that wait are taken in turn by where they come from, so
 * that one source delays others by one check at most for each of theirs.
 * Suspects come behind all others, or an attack from hundreds of sources would
 * let nobody in; but each fourth turn is theirs, since an honest client may
 * have mistyped.
 *
 * All functions are for the loop's thread; the checking thread sees copies
 * alone.
 */
#ifndef SLUICE_AUTH_CHECKS_H
#define SLUICE_AUTH_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "users/network.h"

struct checks;

enum {
    CHECKS_MAX = 64,       /* that wait, run, or have a result */
    CHECKS_SOURCE_MAX = 8, /* of them, of one source */
    CHECKS_TURN = 4,
    CHECKS_SECRET_MAX = 511,
};

/* Who has passwords compared: each has results of its own. */
enum checks_asker { CHECKS_SESSIONS, CHECKS_DOCUMENTS, CHECKS_ASKERS };

struct check_result {
    uint64_t id;
    bool is_right;
};

/* NULL, with errno, when the system refuses. Starts no thread. */
struct checks *checks_new(void);

/* Waits for the check that runs; forgets the others. NULL is allowed. */
void checks_free(struct checks *c);

/* Readable when there are results for the asker. */
int checks_fd(const struct checks *c, enum checks_asker asker);

/* Copied by checks_submit(). */
struct check_claim {
    const char *hash;  /* of crypt(5); NULL: nobody has this password */
    const char *decoy; /* the hash that takes as long then; NULL: our own */
    const void *secret;
    size_t length;
    bool is_suspect; /* its source has failed lately */
};

/* Has a password compared with its hash. `source` is as tries_source() makes
 * it. The result comes under the asker's `id`. False when too many wait, the
 * password is too long or has a NUL in it, or no thread can be started. */
bool checks_submit(struct checks *c, enum checks_asker asker, uint64_t id,
                   const struct network *source,
                   const struct check_claim *claim);

/* Whether one more of that source would be taken now. */
bool checks_have_room(struct checks *c, const struct network *source);

/* Nobody waits for it any more. */
void checks_cancel(struct checks *c, enum checks_asker asker, uint64_t id);

/* Takes one result. False when there is none, and then the asker's descriptor
 * is not readable any more. */
bool checks_take(struct checks *c, enum checks_asker asker,
                 struct check_result *out);

#endif
