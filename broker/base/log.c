/* SPDX-License-Identifier: MIT */
#include "broker/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[] = {"error", "warning", "info", "debug",
                                       NULL};
const char *const log_format_names[] = {"text", "json", NULL};

struct line {
    size_t n;
    char text[LOG_LINE_BYTES];
};

void log_init(struct log *log, int fd, enum log_level level)
{
    *log = (struct log){.fd = fd, .level = level};
}

static void line_char(struct line *l, char c)
{
    if (l->n < sizeof l->text - 1) /* one is kept for the newline */
        l->text[l->n++] = c;
}

static void line_text(struct line *l, const char *s)
{
    while (*s)
        line_char(l, *s++);
}

static bool is_plain(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void line_escaped(struct line *l, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_plain(p[i]) || p[i] == ' ' || p[i] == '=') {
            line_char(l, (char)p[i]);
            continue;
        }
        char hex[5];
        snprintf(hex, sizeof hex, "\\x%02x", p[i]);
        line_text(l, hex);
    }
}

static void line_bytes(struct line *l, const uint8_t *p, size_t n)
{
    bool plain = n > 0;
    for (size_t i = 0; plain && i < n; i++)
        plain = is_plain(p[i]);
    if (!plain)
        line_char(l, '"');
    line_escaped(l, p, n);
    if (!plain)
        line_char(l, '"');
}

static void line_number(struct line *l, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    line_text(l, digits);
}

static void line_field(struct line *l, const struct log_field *f)
{
    if (f->kind != LOG_FIELD_U64 && !f->bytes)
        return;
    line_char(l, ' ');
    line_text(l, f->key);
    line_char(l, '=');
    if (f->kind == LOG_FIELD_U64)
        line_number(l, f->number);
    else
        line_bytes(l, f->bytes,
                   f->kind == LOG_FIELD_TEXT ? strlen(f->bytes) : f->length);
}

static void line_head(struct line *l, enum log_level level, const char *event)
{
    struct timespec t;
    struct tm tm;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    line_text(l, stamp);
    snprintf(stamp, sizeof stamp, ".%03dZ ", (int)(t.tv_nsec / 1000000));
    line_text(l, stamp);
    line_text(l, log_level_names[level]);
    line_text(l, " event=");
    line_text(l, event);
}

/* A log that blocks stops the broker: whoever reads stderr through a pipe may
 * have stopped reading. POLLOUT on a pipe promises room for PIPE_BUF bytes,
 * which is more than a line has (pipe(7)). */
static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static void line_write(struct log *log, struct line *l)
{
    l->text[l->n++] = '\n';
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
        return &log->limits[LOG_KEYS - 1]; /* the late ones share one */
    struct log_limit *limit = &log->limits[log->keys++];
    *limit = (struct log_limit){.event = event,
                                .reason = reason,
                                .tokens_milli = LOG_BURST * 1000,
                                .at = clock_now_ms()};
    return limit;
}

static bool log_limit_pass(struct log_limit *limit)
{
    clock_ms now = clock_now_ms();
    uint64_t tokens =
        limit->tokens_milli +
        (uint64_t)clock_elapsed_ms(now, limit->at) * LOG_PER_SECOND;
    limit->tokens_milli =
        tokens > LOG_BURST * 1000 ? LOG_BURST * 1000 : (uint32_t)tokens;
    limit->at = now;
    if (limit->tokens_milli < 1000) {
        limit->suppressed++;
        return false;
    }
    limit->tokens_milli -= 1000;
    return true;
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
    struct line l = {.n = 0};
    line_head(&l, level, event);
    for (const struct log_field *f = fields; f->kind != LOG_END; f++)
        line_field(&l, f);
    if (suppressed > 0)
        line_field(&l, &LOG_U64("suppressed", suppressed));
    line_write(log, &l);
}

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields)
{
    if (!log_is_on(log, level))
        return;
    struct log_limit *limit = log_limit_find(log, event, reason_of(fields));
    if (!log_limit_pass(limit))
        return;
    log_write(log, level, event, fields, limit->suppressed);
    limit->suppressed = 0;
}

void log_always(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields)
{
    log_write(log, level, event, fields, 0);
}
