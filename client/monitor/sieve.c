/* SPDX-License-Identifier: MIT */
#include "client/monitor/sieve.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static bool sieve_is_text(char c)
{
    return ((unsigned char)c >= ' ' && c != 0x7f) || c == '\t' || c == '\r' ||
           c == '\n';
}

/* The parser takes whole lines out: what is left begins with a line. Bodies
 * come through here, too; nobody wants them, so they need not get through. */
static bool sieve_is_broken(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_after_cr = i > 0 && bytes[i - 1] == '\r';
        bool is_line_start = i == 0 || bytes[i - 1] == '\n';
        bool is_blank = bytes[i] == ' ' || bytes[i] == '\t';
        if (!sieve_is_text(bytes[i]) || (bytes[i] == '\n') != is_after_cr ||
            (is_line_start && is_blank))
            return true;
    }
    return false;
}

static intptr_t sieve_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (intptr_t)now.tv_sec;
}

/* `deadline` is a time and points at nothing: nobody tells when the
 * connection goes, so there is nothing that would have to be freed then. */
static void sieve_on_input(struct evbuffer *input,
                           const struct evbuffer_cb_info *info, void *deadline)
{
    static const char broken[] = "?\r\n\r\n"; /* no request, and no header */
    size_t n = evbuffer_get_length(input), broken_n = sizeof broken - 1;
    if (info->n_added == 0 || n == 0)
        return;
    bool is_late = sieve_clock_s() > (intptr_t)deadline;
    const char *bytes = (const char *)evbuffer_pullup(input, -1);
    bool is_done = bytes && n == broken_n && memcmp(bytes, broken, n) == 0;
    if (!bytes || is_done || !(is_late || sieve_is_broken(bytes, n)))
        return;
    evbuffer_drain(input, n);
    evbuffer_add(input, broken, broken_n); /* calls this again */
}

bool sieve_attach(struct bufferevent *connection, int patience_s)
{
    void *deadline = (void *)(sieve_clock_s() + patience_s);
    return evbuffer_add_cb(bufferevent_get_input(connection), sieve_on_input,
                           deadline) != NULL;
}
