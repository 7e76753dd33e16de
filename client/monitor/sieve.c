/* SPDX-License-Identifier: MIT */
#include "client/monitor/sieve.h"

#include <event2/buffer.h>

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

static void sieve_on_input(struct evbuffer *input,
                           const struct evbuffer_cb_info *info, void *unused)
{
    static const char broken[] = "\r\n\r\n";
    (void)unused;
    size_t n = evbuffer_get_length(input);
    if (info->n_added == 0 || n == 0)
        return;
    const char *bytes = (const char *)evbuffer_pullup(input, -1);
    if (!bytes || !sieve_is_broken(bytes, n))
        return;
    evbuffer_drain(input, n);
    evbuffer_add(input, broken, sizeof broken - 1);
}

bool sieve_attach(struct bufferevent *connection)
{
    return evbuffer_add_cb(bufferevent_get_input(connection), sieve_on_input,
                           NULL) != NULL;
}
