/* SPDX-License-Identifier: MIT
 *
 * reason - why a session ended: one row per reason, with its name and level in
 * the log and its counter.
 */
#ifndef SLUICE_SESSION_REASON_H
#define SLUICE_SESSION_REASON_H

#include <stdbool.h>

#include "broker/base/counters.h"
#include "broker/base/log_field.h"

enum reason {
    REASON_EOF,
    REASON_RESET,
    REASON_GOODBYE,
    REASON_FRAME_TOO_LONG,
    REASON_BAD_UNIT,
    REASON_IDLE,
    REASON_OVERRUN,
    REASON_VERSION,
    REASON_NAME_TOO_LONG,
    REASON_VERSION_RESERVED,
    REASON_FOREIGN_PROTOCOL,
    REASON_TLS,
    REASON_HELLO_TIMEOUT,
    REASON_FRAME_TIMEOUT,
    REASON_LEAVE_TIMEOUT,
    REASON_SLOW_CONSUMER,
    REASON_NO_PLACE,
    REASON_NO_MEMORY,
    REASON_JOURNAL_FAILED,
    REASON_JOURNAL_CHANNELS,
    REASON_STOPPING,
    REASON_TLS_REQUIRED,
    REASON_AUTH_REQUIRED,
    REASON_BUSY,
    REASON_USER_CONNECTIONS,
    REASON_DENIED,
    REASON_RIGHTS_REVOKED,
    REASON_TOTAL
};

struct reason_row {
    const char *name;
    enum log_level level;
    bool is_counted; /* in `counter` as well as COUNT_closed */
    enum counter_id counter;
    const char *sentence; /* what it means, for documents and people */
};

extern const struct reason_row reason_rows[REASON_TOTAL];

#endif
