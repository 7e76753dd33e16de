/* SPDX-License-Identifier: MIT */
#include "broker/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* $JOURNAL_STREAM names the stream that leads to the journal (systemd.exec);
 * stderr may have been redirected since. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char *end;
    struct stat st;
    if (!stream || fstat(fd, &st) != 0)
        return false;
    return strtoull(stream, &end, 10) == st.st_dev && *end == ':' &&
           strtoull(end + 1, &end, 10) == st.st_ino && *end == '\0';
}

void log_init(struct log *log, int fd, enum log_level level)
{
    *log = (struct log){.fd = fd, .level = level, .is_journal = is_journal(fd)};
}

void log_fini(struct log *log)
{
    if (log->has_file)
        close(log->fd);
    log->has_file = false;
    log->fd = -1;
}

bool log_open(struct log *log, const char *path)
{
    int fd = STDERR_FILENO;
    if (path)
        fd = open(path,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
                      O_NONBLOCK,
                  0600);
    if (fd < 0)
        return false;
    log_fini(log);
    log->fd = fd;
    log->has_file = path != NULL;
    log->is_journal = is_journal(fd);
    return true;
}

/* A write that blocks would stop the broker: a process that reads stderr
 * through a pipe may have stopped reading. POLLOUT on a pipe promises room for
 * PIPE_BUF bytes, which is more than a line has (pipe(7)). */
static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static void log_put(struct log *log, const struct log_line *l)
{
    if (!has_room(log->fd)) {
        log->lost++;
        return;
    }
    ssize_t w;
    do
        w = write(log->fd, l->text, l->n);
    while (w < 0 && errno == EINTR);
    if (w < 0)
        log->lost++;
}

static struct log_limit *log_limit_find(struct log *log, const char *event,
                                        const char *reason)
{
    for (size_t i = 0; i < log->keys; i++)
        if (log->limits[i].event == event && log->limits[i].reason == reason)
            return &log->limits[i];
    if (log->keys == LOG_KEYS)
        return &log->limits[LOG_KEYS - 1]; /* shared by all later keys */
    struct log_limit *limit = &log->limits[log->keys++];
    *limit = (struct log_limit){.event = event, .reason = reason};
    return limit;
}

static bool log_limit_pass(struct log_limit *limit)
{
    const struct throttle_rate rate = {LOG_BURST, 1, LOG_PERIOD_MS};
    return throttle_pass(&limit->throttle, clock_now_ms(), rate, 1) > 0;
}

static const char *reason_of(const struct log_field *fields)
{
    for (const struct log_field *f = fields; f->kind != LOG_END; f++)
        if (f->kind == LOG_FIELD_TEXT && strcmp(f->key, "reason") == 0)
            return f->bytes;
    return NULL;
}

static void log_write(struct log *log, enum log_level level, const char *event,
                      const struct log_field *fields, uint64_t suppressed)
{
    /* Of syslog(3), as sd-daemon(3) wants them before a line. */
    static const char priorities[] = {
        [LOG_ERROR] = '3', [LOG_WARNING] = '4', [LOG_INFO] = '6', '7'};
    struct log_line l = {.n = 0};
    if (log->is_journal)
        l.n = (size_t)sprintf(l.text, "<%c>", priorities[level]);
    log_line_add(&l, log->format, level, event, fields, suppressed);
    log_put(log, &l);
}

void log_observe(struct log *log, log_observer *observer, void *arg)
{
    log->observer = observer;
    log->observer_arg = arg;
}

/* Whether it is to be written as well. */
static bool log_show(struct log *log, enum log_level level, const char *event,
                     const struct log_field *fields)
{
    if (log->observer)
        log->observer(log->observer_arg, event, fields);
    return level <= log->level;
}

void log_bounded(struct log *log, enum log_level level, const char *event,
                 const struct log_field *fields)
{
    if (log_show(log, level, event, fields))
        log_write(log, level, event, fields, 0);
}

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields)
{
    if (!log_show(log, level, event, fields))
        return;
    struct log_limit *limit = log_limit_find(log, event, reason_of(fields));
    if (log_limit_pass(limit))
        log_write(log, level, event, fields,
                  throttle_take_missed(&limit->throttle));
}

void log_always(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields)
{
    log_write(log, level, event, fields, 0);
}
