/* SPDX-License-Identifier: MIT */
#include "client/printer.h"

#include "client/escape.h"
#include "client/json.h"
#include "common/percent.h"
#include "proto/head.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PRINTER_TIME_BYTES = 64 };

void printer_init(struct printer *p, int fd)
{
    p->fd = fd;
    p->is_terminal = isatty(fd) == 1;
    p->format = PRINTER_TEXT;
    p->has_time = false;
    p->has_channel = p->has_headers = p->is_document = false;
    p->channel = (struct sluice_bytes){NULL, 0};
    p->headers = NULL;
    p->age_ms = 0;
    p->used = 0;
}

static bool printer_write(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written >= 0) {
            bytes += written;
            n -= (size_t)written;
        } else if (errno == EAGAIN) {
            /* A process that shares the descriptor made it non-blocking. */
            struct pollfd waiting = {.fd = fd, .events = POLLOUT};
            (void)poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool printer_flush(struct printer *p)
{
    size_t used = p->used;
    p->used = 0;
    return printer_write(p->fd, p->buffer, used);
}

static bool printer_append(struct printer *p, const void *bytes, size_t n)
{
    if (n > sizeof p->buffer - p->used && !printer_flush(p))
        return false;
    if (n >= sizeof p->buffer)
        return printer_write(p->fd, bytes, n);
    if (n > 0)
        memcpy(p->buffer + p->used, bytes, n);
    p->used += n;
    return true;
}

/* One of the functions that show the next character of some bytes. */
typedef size_t printer_next(const uint8_t *bytes, size_t n, char *shown,
                            size_t *shown_length);

static bool printer_append_shown(struct printer *p, struct sluice_bytes bytes,
                                 printer_next *next)
{
    const uint8_t *at = bytes.data;
    for (size_t left = bytes.length; left > 0;) {
        char shown[JSON_BYTES];
        size_t shown_length;
        size_t taken = next(at, left, shown, &shown_length);
        if (!printer_append(p, shown, shown_length))
            return false;
        at += taken;
        left -= taken;
    }
    return true;
}

static bool printer_append_text(struct printer *p, const char *text)
{
    return printer_append(p, text, strlen(text));
}

/* Without blanks, so that it is one word of the line. */
static bool printer_append_word(struct printer *p, struct sluice_bytes bytes)
{
    char text[PERCENT_BYTES * HEAD_MAX + 1];
    size_t length = percent_encode(bytes.data, bytes.length, text, sizeof text);
    bool is_ok = true;
    for (size_t i = 0; i < length && is_ok; i++)
        is_ok = text[i] == ' ' ? printer_append(p, "%20", 3)
                               : printer_append(p, text + i, 1);
    return is_ok;
}

static void printer_go_back(struct timespec *time, uint64_t ms)
{
    time->tv_sec -= (time_t)(ms / 1000);
    time->tv_nsec -= (long)(ms % 1000) * 1000000;
    if (time->tv_nsec < 0) {
        time->tv_nsec += 1000000000;
        time->tv_sec--;
    }
}

/* RFC 3339, in UTC: sorts as text, and means the same everywhere. */
static bool printer_append_time(struct printer *p)
{
    struct timespec now;
    struct tm day;
    char text[PRINTER_TIME_BYTES], fraction[PRINTER_TIME_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    printer_go_back(&now, p->age_ms);
    if (!gmtime_r(&now.tv_sec, &day) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &day) == 0)
        return true; /* the clock is beyond any year that can be printed */
    snprintf(fraction, sizeof fraction, ".%06ldZ", now.tv_nsec / 1000);
    return printer_append_text(p, text) && printer_append_text(p, fraction);
}

/* --- the formats --------------------------------------------------------- */

static size_t printer_next_of_document(const uint8_t *bytes, size_t n,
                                       char *shown, size_t *shown_length)
{
    if (*bytes != '\n')
        return escape_next(bytes, n, shown, shown_length);
    *shown = '\n';
    *shown_length = 1;
    return 1;
}

static bool printer_put_bytes(struct printer *p, struct sluice_bytes message)
{
    if (p->is_terminal)
        return printer_append_shown(p, message,
                                    p->is_document ? printer_next_of_document
                                                   : escape_next);
    return printer_append(p, message.data, message.length);
}

/* Each as a word, Name=value. */
static bool printer_put_headers(struct printer *p)
{
    const struct sluice_header *h = p->headers;
    bool is_ok = true;
    for (; h && h->name && is_ok; h++)
        is_ok = printer_append_text(p, h->name) &&
                printer_append_text(p, "=") &&
                printer_append_word(p, h->value) && printer_append_text(p, " ");
    return is_ok;
}

/* After an empty message, too: who reads lines gets one. */
static bool printer_end_line(struct printer *p, struct sluice_bytes message)
{
    const char *text = message.data;
    bool is_ended = p->is_document && message.length > 0 &&
                    text[message.length - 1] == '\n';
    return is_ended || printer_append_text(p, "\n");
}

static bool printer_put_line(struct printer *p, struct sluice_bytes message)
{
    if (p->has_time && !(printer_append_time(p) && printer_append_text(p, " ")))
        return false;
    if (p->has_channel &&
        !(printer_append_word(p, p->channel) && printer_append_text(p, " ")))
        return false;
    if (p->has_headers && !printer_put_headers(p))
        return false;
    return printer_put_bytes(p, message) && printer_end_line(p, message);
}

/* A member of an object; its name ends in _base64 when its bytes are not text,
 * so that a reader need not guess. */
static bool printer_put_member(struct printer *p, const char *name,
                               struct sluice_bytes bytes)
{
    bool is_text = json_is_text(bytes.data, bytes.length);
    return printer_append_text(p, "\"") && printer_append_text(p, name) &&
           printer_append_text(p, is_text ? "\":\"" : "_base64\":\"") &&
           printer_append_shown(p, bytes,
                                is_text ? json_next_text : json_next_base64) &&
           printer_append_text(p, "\"");
}

/* Of a message without headers there is none. */
static bool printer_put_header_object(struct printer *p)
{
    const struct sluice_header *h = p->headers;
    if (!h || !h->name)
        return true;
    bool is_ok = printer_append_text(p, "\"headers\":{");
    for (; h->name && is_ok; h++)
        is_ok = (h == p->headers || printer_append_text(p, ",")) &&
                printer_put_member(p, h->name, h->value);
    return is_ok && printer_append_text(p, "},");
}

static bool printer_put_json(struct printer *p, struct sluice_bytes message)
{
    return printer_append_text(p, "{\"time\":\"") && printer_append_time(p) &&
           printer_append_text(p, "\",") &&
           printer_put_member(p, "channel", p->channel) &&
           printer_append_text(p, ",") && printer_put_header_object(p) &&
           printer_put_member(p, "message", message) &&
           printer_append_text(p, "}\n");
}

static bool (*const printer_formats[])(struct printer *,
                                       struct sluice_bytes) = {
    [PRINTER_TEXT] = printer_put_line,
    [PRINTER_JSON] = printer_put_json,
    [PRINTER_RAW] = printer_put_bytes,
};

bool printer_put(struct printer *p, struct sluice_bytes message)
{
    return printer_formats[p->format](p, message);
}
