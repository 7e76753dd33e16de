/* SPDX-License-Identifier: MIT */
#include "common/percent.h"

#include <string.h>

static const char percent_digits[] = "0123456789ABCDEF";

/* Valid characters that are invisible, or that change how others are shown:
 * controls, marks that turn the direction of writing, separators of lines,
 * characters without width, private and unassigned specials. */
static const struct {
    uint32_t first, last;
} percent_unprintable[] = {
    {0x00, 0x1f},     {'%', '%'},       {0x7f, 0x9f},        {0xad, 0xad},
    {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},    {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xd800, 0xf8ff}, {0xfdd0, 0xfdef},    {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0xffffff},
};

static bool percent_is_printable(uint32_t code)
{
    for (size_t i = 0;
         i < sizeof percent_unprintable / sizeof *percent_unprintable; i++)
        if (code >= percent_unprintable[i].first &&
            code <= percent_unprintable[i].last)
            return false;
    return (code & 0xfffe) != 0xfffe;
}

/* How many bytes a sequence with this first byte has; 0: it cannot begin
 * one. */
static size_t percent_sequence_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2) /* a later byte, or longer than need be */
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

/* The bytes of the printable character at `p`, 0 when there is none. */
static size_t percent_printable_length(const uint8_t *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = percent_sequence_length(*p);
    if (n == 0 || n > left)
        return 0;
    uint32_t code = *p & masks[n];
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    return code >= least[n] && percent_is_printable(code) ? n : 0;
}

size_t percent_encode(const uint8_t *name, size_t length, char *out,
                      size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < length;) {
        size_t n = percent_printable_length(name + i, length - i);
        if (at + (n > 0 ? n : PERCENT_BYTES) >= room)
            break;
        if (n > 0) {
            memcpy(out + at, name + i, n);
            at += n;
            i += n;
            continue;
        }
        out[at++] = '%';
        out[at++] = percent_digits[name[i] >> 4];
        out[at++] = percent_digits[name[i] & 15];
        i++;
    }
    out[at] = '\0';
    return at;
}

static bool percent_read_digit(char c, uint8_t *value)
{
    if (c >= 'a' && c <= 'f')
        c = (char)(c - 'a' + 'A');
    const char *found = c ? strchr(percent_digits, c) : NULL;
    if (found)
        *value = (uint8_t)(found - percent_digits);
    return found != NULL;
}

bool percent_unescape(const char *text, size_t length, uint8_t *out,
                      size_t room, size_t *out_length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; n++) {
        uint8_t high, low;
        if (n == room)
            return false;
        if (text[i] != '%') {
            out[n] = (uint8_t)text[i++];
            continue;
        }
        if (length - i < PERCENT_BYTES ||
            !percent_read_digit(text[i + 1], &high) ||
            !percent_read_digit(text[i + 2], &low))
            return false;
        out[n] = (uint8_t)(high << 4 | low);
        i += PERCENT_BYTES;
    }
    *out_length = n;
    return true;
}

static bool percent_is_encoding_of(const uint8_t *name, size_t n,
                                   const char *text, size_t length)
{
    char again[PERCENT_BYTES * 256 + 1];
    return n <= 256 && percent_encode(name, n, again, sizeof again) == length &&
           memcmp(again, text, length) == 0;
}

bool percent_decode(const char *text, size_t length, uint8_t *out, size_t room,
                    size_t *out_length)
{
    return percent_unescape(text, length, out, room, out_length) &&
           percent_is_encoding_of(out, *out_length, text, length);
}
