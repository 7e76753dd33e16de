/* SPDX-License-Identifier: MIT */
#include "broker/base/log_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *const log_format_names[] = {"text", "json", NULL};

enum { STAMP_BYTES = 40 };

/* The operations in which formats differ. */
struct style {
    void (*head)(struct log_line *l, const char *stamp, enum log_level level,
                 const char *event);
    void (*field)(struct log_line *l, const struct log_field *f);
    const char *tail; /* for which there is always room */
    bool is_whole;    /* a field that does not fit is left out, not cut */
};

enum { TAIL_BYTES = 2 };

static bool is_full(const struct log_line *l)
{
    return l->n >= sizeof l->text - TAIL_BYTES;
}

static void add_char(struct log_line *l, char c)
{
    if (!is_full(l))
        l->text[l->n++] = c;
}

static void add_text(struct log_line *l, const char *s)
{
    while (*s)
        add_char(l, *s++);
}

static bool is_plain(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

/* `escape` is what a backslash looks like. */
static void add_escaped(struct log_line *l, const uint8_t *p, size_t n,
                        const char *escape)
{
    for (size_t i = 0; i < n; i++) {
        if (is_plain(p[i]) || p[i] == ' ' || p[i] == '=') {
            add_char(l, (char)p[i]);
            continue;
        }
        char hex[4];
        snprintf(hex, sizeof hex, "x%02x", p[i]);
        add_text(l, escape);
        add_text(l, hex);
    }
}

static size_t field_length(const struct log_field *f)
{
    return f->kind == LOG_FIELD_TEXT ? strlen(f->bytes) : f->length;
}

static void add_number(struct log_line *l, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    add_text(l, digits);
}

/* Text. */

static void text_head(struct log_line *l, const char *stamp,
                      enum log_level level, const char *event)
{
    add_text(l, stamp);
    add_char(l, ' ');
    add_text(l, log_level_names[level]);
    add_text(l, " event=");
    add_text(l, event);
}

static void text_bytes(struct log_line *l, const uint8_t *p, size_t n)
{
    bool plain = n > 0;
    for (size_t i = 0; plain && i < n; i++)
        plain = is_plain(p[i]);
    if (!plain)
        add_char(l, '"');
    add_escaped(l, p, n, "\\");
    if (!plain)
        add_char(l, '"');
}

static void text_field(struct log_line *l, const struct log_field *f)
{
    add_char(l, ' ');
    add_text(l, f->key);
    add_char(l, '=');
    if (f->kind == LOG_FIELD_U64)
        add_number(l, f->number);
    else
        text_bytes(l, f->bytes, field_length(f));
}

/* JSON. */

static void json_head(struct log_line *l, const char *stamp,
                      enum log_level level, const char *event)
{
    add_text(l, "{\"time\":\"");
    add_text(l, stamp);
    add_text(l, "\",\"level\":\"");
    add_text(l, log_level_names[level]);
    add_text(l, "\",\"event\":\"");
    add_text(l, event);
    add_char(l, '"');
}

static void json_field(struct log_line *l, const struct log_field *f)
{
    add_text(l, ",\"");
    add_text(l, f->key);
    add_text(l, "\":");
    if (f->kind == LOG_FIELD_U64) {
        add_number(l, f->number);
        return;
    }
    add_char(l, '"');
    add_escaped(l, f->bytes, field_length(f), "\\\\");
    add_char(l, '"');
}

static const struct style styles[] = {
    [LOG_AS_TEXT] = {text_head, text_field, "\n", false},
    [LOG_AS_JSON] = {json_head, json_field, "}\n", true},
};

static void add_field(struct log_line *l, const struct style *style,
                      const struct log_field *f)
{
    size_t before = l->n;
    if (f->kind != LOG_FIELD_U64 && !f->bytes)
        return;
    style->field(l, f);
    if (style->is_whole && is_full(l))
        l->n = before;
}

static void stamp_now(char stamp[STAMP_BYTES])
{
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(stamp, STAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp + n, STAMP_BYTES - n, ".%03dZ", (int)(t.tv_nsec / 1000000));
}

void log_line_add(struct log_line *line, enum log_format format,
                  enum log_level level, const char *event,
                  const struct log_field *fields, uint64_t suppressed)
{
    const struct style *style = &styles[format];
    char stamp[STAMP_BYTES];
    stamp_now(stamp);
    style->head(line, stamp, level, event);
    for (const struct log_field *f = fields; f->kind != LOG_END; f++)
        add_field(line, style, f);
    if (suppressed > 0)
        add_field(line, style, &LOG_U64("suppressed", suppressed));
    size_t n = strlen(style->tail);
    memcpy(line->text + line->n, style->tail, n);
    line->n += n;
}
