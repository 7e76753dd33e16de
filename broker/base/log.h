/* SPDX-License-Identifier: MIT
 *
 * log - one line per event, to a descriptor that is never waited for: a line
 * that a full pipe has no room for is counted and let go. What a line looks
 * like is in log_line.h.
 *
 * Lines with the same key (event and reason) are limited; how many were left
 * out is told by the next one that passes, as suppressed=N.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern const char *const log_level_names[]; /* NULL at the end */

enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

extern const char *const log_format_names[]; /* NULL at the end */

enum {
    LOG_KEYS = 64,         /* distinct keys that are limited one by one */
    LOG_BURST = 20,        /* lines of one key at once, */
    LOG_PER_SECOND = 2,    /* and then at this pace */
    LOG_LINE_BYTES = 4096, /* longer lines are cut; PIPE_BUF of Linux */
};

struct log_limit {
    const char *event, *reason;
    uint32_t tokens_milli;
    clock_ms at;
    uint64_t suppressed;
};

struct log_field;

/* Is told of an event; may not log. */
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

enum log_field_kind { LOG_END, LOG_FIELD_TEXT, LOG_FIELD_BYTES, LOG_FIELD_U64 };

struct log_field {
    enum log_field_kind kind;
    const char *key;
    const void *bytes; /* NULL: the field is left out */
    size_t length;
    uint64_t number;
};

/* A field that is left out. */
#define LOG_NONE LOG_TEXT("", NULL)

/* Text ends with NUL; bytes are counted. Both may come from a peer. */
#define LOG_TEXT(k, s)     ((struct log_field){LOG_FIELD_TEXT, k, s, 0, 0})
#define LOG_BYTES(k, p, n) ((struct log_field){LOG_FIELD_BYTES, k, p, n, 0})
#define LOG_U64(k, n)      ((struct log_field){LOG_FIELD_U64, k, NULL, 0, n})

/* Text, to a descriptor that is not its own. */
void log_init(struct log *log, int fd, enum log_level level);
void log_fini(struct log *log);

/* Goes on in a file, which is made if need be; NULL: on stderr. The same path
 * again is a new file when somebody has renamed the old one. False, with the
 * reason in errno and nothing changed, when it cannot be opened. */
bool log_open(struct log *log, const char *path);

/* Whether anybody wants to know. */
static inline bool log_is_on(const struct log *log, enum log_level level)
{
    return level <= log->level || log->observer;
}

/* From now on `observer` is told of every event, whatever its level and
 * however many there are; NULL: nobody is. */
void log_observe(struct log *log, log_observer *observer, void *arg);

/* Writes one line. `event` is a constant string and part of the key by which
 * lines are limited; so is the value of the field "reason", if it is one of
 * the fields (a constant string as well). */
void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields);

/* The same without a limit and at every level: for lines that come once or
 * were asked for. */
void log_always(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields);

#define LOG_LIST(...)                                                          \
    ((const struct log_field[]){__VA_ARGS__, {.kind = LOG_END}})

#define log_event(log, level, event, ...)                                      \
    do {                                                                       \
        if (log_is_on(log, level))                                             \
            log_fields(log, level, event, LOG_LIST(__VA_ARGS__));              \
    } while (0)

#endif
