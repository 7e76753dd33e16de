/* SPDX-License-Identifier: MIT */
#include "common/http_login.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Returns how many octets were written, or -1 when it is not base64 or there is
 * no room. */
static int base64_decode(const char *text, char *out, size_t room)
{
    size_t n = strspn(text, digits), pad = strspn(text + n, "=");
    size_t bytes = n / 4 * 3 + (n % 4 > 0 ? n % 4 - 1 : 0), at = 0;
    bool is_whole = text[n + pad] == '\0' && (n + pad) % 4 == 0 && pad <= 2;
    if (!is_whole || n % 4 == 1 || bytes > room)
        return -1;
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, text[i]) - digits);
        if (i % 4 > 0)
            out[at++] = (char)(bits >> (6 - i % 4 * 2) & 0xff);
    }
    return (int)bytes;
}

/* Neither part may have control characters in it (RFC 7617, 2). */
static bool is_plain(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

/* The first colon ends the user. */
static bool login_take_basic(struct http_login *l, const char *text)
{
    int n = base64_decode(text, l->bytes, sizeof l->bytes - 1);
    char *colon = n > 0 ? memchr(l->bytes, ':', (size_t)n) : NULL;
    if (!colon || !is_plain(l->bytes, (size_t)n))
        return false;
    *colon = l->bytes[n] = '\0';
    l->user = l->bytes;
    l->secret = colon + 1;
    l->secret_length = (size_t)(l->bytes + n - l->secret);
    return true;
}

static bool login_take_bearer(struct http_login *l, const char *text)
{
    static const char marks[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    size_t n = strspn(text, marks), length = n + strspn(text + n, "=");
    if (n == 0 || text[length] != '\0' || length >= sizeof l->bytes)
        return false;
    memcpy(l->bytes, text, length + 1);
    l->user = "";
    l->secret = l->bytes;
    l->secret_length = length;
    return true;
}

static const struct scheme_row {
    const char *name;
    enum http_scheme scheme;
    bool (*take)(struct http_login *l, const char *text);
} scheme_rows[] = {
    {"Basic", HTTP_BASIC, login_take_basic},
    {"Bearer", HTTP_BEARER, login_take_bearer},
};

void http_login_parse(struct http_login *out, const char *authorization)
{
    *out = (struct http_login){.user = "", .secret = ""};
    if (!authorization)
        return;
    size_t name = strcspn(authorization, " ");
    const char *text = authorization + name;
    text += strspn(text, " ");
    out->scheme = HTTP_OTHER_SCHEME;
    for (size_t i = 0; i < sizeof scheme_rows / sizeof *scheme_rows; i++) {
        const struct scheme_row *row = &scheme_rows[i];
        if (strlen(row->name) == name &&
            strncasecmp(row->name, authorization, name) == 0 &&
            row->take(out, text))
            out->scheme = row->scheme;
    }
    if (out->scheme == HTTP_OTHER_SCHEME)
        explicit_bzero(out->bytes, sizeof out->bytes);
}

void http_login_wipe(struct http_login *l)
{
    explicit_bzero(l, sizeof *l);
}
