/* SPDX-License-Identifier: MIT */
#include "client/escape.h"

#include <stdbool.h>
#include <string.h>

/* The forms of a UTF-8 sequence that is not ASCII. `least` refuses overlong
 * forms, which could hide a control character. */
static const struct {
    uint8_t mask, mark; /* first & mask == mark */
    size_t length;
    uint32_t least;
} escape_forms[] = {
    {0xe0, 0xc0, 2, 0xa0}, /* below 0xa0 is C1 */
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

/* Unicode's category Cf, as of version 15.1: characters that are not seen but
 * change how others are shown, such as those that reverse the rest of a line.
 */
static const struct {
    uint32_t first, last;
} escape_formats[] = {
    {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
    {0x8e2, 0x8e2},     {0x180e, 0x180e},   {0x200b, 0x200f},
    {0x202a, 0x202e},   {0x2060, 0x2064},   {0x2066, 0x206f},
    {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
};

static bool escape_is_format(uint32_t character)
{
    size_t count = sizeof escape_formats / sizeof *escape_formats;
    size_t i = 0;
    while (i < count && character > escape_formats[i].last)
        i++;
    return i < count && character >= escape_formats[i].first;
}

static uint32_t escape_join(const uint8_t *text, size_t length, uint8_t mask)
{
    uint32_t character = text[0] & (uint8_t)~mask;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3f);
    }
    return character;
}

/* The length of the character at `text` when it is neither ASCII nor C1; 0 when
 * it is one of these, or not UTF-8. */
static size_t escape_decode(const uint8_t *text, size_t n, uint32_t *character)
{
    for (size_t i = 0; i < sizeof escape_forms / sizeof *escape_forms; i++) {
        size_t length = escape_forms[i].length;
        if ((text[0] & escape_forms[i].mask) != escape_forms[i].mark)
            continue;
        if (n < length)
            return 0;
        *character = escape_join(text, length, escape_forms[i].mask);
        bool is_surrogate = *character >= 0xd800 && *character <= 0xdfff;
        bool is_one = *character >= escape_forms[i].least &&
                      *character <= 0x10ffff && !is_surrogate;
        return is_one ? length : 0;
    }
    return 0;
}

/* The length of the harmless character at `text`; 0 when it is not one. */
static size_t escape_harmless(const uint8_t *text, size_t n)
{
    if (text[0] < 0x80)
        return (text[0] >= 0x20 && text[0] != 0x7f) || text[0] == '\t';
    uint32_t character;
    size_t length = escape_decode(text, n, &character);
    return length > 0 && !escape_is_format(character) ? length : 0;
}

size_t escape_format(const uint8_t *text, size_t n, uint32_t *character)
{
    size_t length = escape_decode(text, n, character);
    return length > 0 && escape_is_format(*character) ? length : 0;
}

size_t escape_next(const uint8_t *text, size_t n, char shown[ESCAPE_BYTES],
                   size_t *shown_length)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = escape_harmless(text, n);
    *shown_length = length;
    if (length > 0) {
        memcpy(shown, text, length);
        return length;
    }
    *shown_length = ESCAPE_BYTES;
    memcpy(
        shown,
        (const char[]){'\\', 'x', digits[text[0] >> 4], digits[text[0] & 15]},
        ESCAPE_BYTES);
    return 1;
}

void escape_text(const char *text, char *out, size_t space)
{
    size_t n = strlen(text), at = 0, used = 0;
    while (at < n && used + ESCAPE_BYTES < space) {
        size_t length;
        at += escape_next((const uint8_t *)text + at, n - at, out + used,
                          &length);
        used += length;
    }
    out[used] = '\0';
}
