/* SPDX-License-Identifier: MIT
 *
 * wait_notice - what a command that publishes says when the broker makes it
 * wait: after a second, and once, since a queue that is full for long would
 * repeat it each time a message fits.
 */
#ifndef SLUICE_CLIENT_WAIT_NOTICE_H
#define SLUICE_CLIENT_WAIT_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

struct wait_notice {
    const char *channel; /* borrowed: its kind says why the wait may be */
    int64_t due_ms;      /* by the clock of deadline.h; -1: no wait */
    bool is_printed;
};

/* Nothing is waited for yet. */
void wait_notice_init(struct wait_notice *n, const char *channel);

/* Waiting begins, unless it has begun. */
void wait_notice_begin(struct wait_notice *n);

/* It is over. */
void wait_notice_end(struct wait_notice *n);

/* Prints `what` and a guess if it is due. */
void wait_notice_print(struct wait_notice *n, const char *what);

#endif
