/* SPDX-License-Identifier: MIT
 *
 * log - one line per event, written without waiting: a line that a full pipe
 * has no room for is counted and dropped. The fields of an event are in
 * log_field.h, the form of a line in log_line.h.
 *
 * Lines with the same key (event and reason) are limited; the next one that
 * passes reports how many were left out, as suppressed=N.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/log_field.h"
#include "broker/base/log_line.h"
#include "broker/base/throttle.h"

enum {
    LOG_KEYS = 64,       /* distinct keys that are limited one by one */
    LOG_BURST = 20,      /* lines of one key at once, */
    LOG_PERIOD_MS = 500, /* and then one in each period */
};

struct log_limit {
    const char *event, *reason;
    struct throttle throttle;
};

/* Called for each event; may not log. */
typedef void log_observer(void *arg, const char *event,
                          const struct log_field *fields);

struct log {
    int fd;
    enum log_level level;
    enum log_format format;
    bool is_journal;        /* lines begin with a priority */
    bool has_file;          /* fd is its own */
    uint64_t lost;          /* lines that the descriptor had no room for */
    log_observer *observer; /* NULL when there is none */
    void *observer_arg;
    size_t keys;
    struct log_limit limits[LOG_KEYS];
};

/* Writes text to `fd`, which stays the caller's. */
void log_init(struct log *log, int fd, enum log_level level);

/* Closes the file that log_open opened, if it opened one. */
void log_fini(struct log *log);

/* Continues in a file, which is created if it does not exist; NULL: on stderr.
 * The same path again is a new file if the old one has been renamed. False,
 * with the reason in errno and nothing changed, when it cannot be opened. */
bool log_open(struct log *log, const char *path);

/* Whether an event of this level is written or observed. */
static inline bool log_is_on(const struct log *log, enum log_level level)
{
    return level <= log->level || log->observer;
}

/* From now on `observer` is notified of every event, whatever its level and
 * however many there are; NULL ends that. */
void log_observe(struct log *log, log_observer *observer, void *arg);

/* Writes one line. `event` is a constant string and part of the key by which
 * lines are limited; so is the value of the field "reason", if there is one (a
 * constant string as well). */
void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields);

/* The same without a limit, and at any level: for lines that are written once
 * or on request. */
void log_always(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields);

/* As log_fields, but without a limit, for events that the caller limits: its
 * lines carry the number of those left out, so none of them may be. */
void log_bounded(struct log *log, enum log_level level, const char *event,
                 const struct log_field *fields);

/* log_fields, if the level is on: else the fields are not even made. */
#define log_event(log, level, event, ...)                                      \
    do {                                                                       \
        if (log_is_on(log, level))                                             \
            log_fields(log, level, event, LOG_LIST(__VA_ARGS__));              \
    } while (0)

#endif
