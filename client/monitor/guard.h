/* SPDX-License-Identifier: MIT
 *
 * guard - watches what libzmq takes without bound: memory for the parts of a
 * message whose last part has not come, and descriptors for peers that connect
 * and say nothing. It only reports; closing the receivers frees both.
 */
#ifndef SLUICE_CLIENT_MONITOR_GUARD_H
#define SLUICE_CLIENT_MONITOR_GUARD_H

#include <stddef.h>

enum {
    GUARD_BYTES = 128 << 20, /* of resident memory, beyond that at the start */
    GUARD_STEP_BYTES = 64 << 20,
    GUARD_DESCRIPTORS = 256,
};

struct guard {
    size_t limit_bytes; /* of resident memory, without what browsers hold */
};

/* What HTTP holds; it has bounds of its own. */
struct guard_allowance {
    size_t bytes, descriptors;
};

/* Looks at the memory that is resident before anything is received. */
void guard_init(struct guard *g);

/* NULL while all is well; else what has gone above its limit, as words. */
const char *guard_check(const struct guard *g,
                        const struct guard_allowance *http);

/* Everything has been closed. Gives memory back to the system; if some of it
 * stays, the limit is raised, so that it does not close everything again. */
void guard_relieve(struct guard *g, const struct guard_allowance *http);

#endif
