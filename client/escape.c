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

static uint32_t escape_decode(const uint8_t *text, size_t length, uint8_t mask)
{
    uint32_t character = text[0] & (uint8_t)~mask;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3f);
    }
    return character;
}

/* The length of the harmless character at `text`; 0 when it is not one. */
static size_t escape_harmless(const uint8_t *text, size_t n)
{
    if (text[0] < 0x80)
        return (text[0] >= 0x20 && text[0] != 0x7f) || text[0] == '\t';
    for (size_t i = 0; i < sizeof escape_forms / sizeof *escape_forms; i++) {
        if ((text[0] & escape_forms[i].mask) != escape_forms[i].mark)
            continue;
        if (n < escape_forms[i].length)
            return 0;
        uint32_t character =
            escape_decode(text, escape_forms[i].length, escape_forms[i].mask);
        bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
        if (character < escape_forms[i].least || character > 0x10ffff ||
            is_surrogate)
            return 0;
        return escape_forms[i].length;
    }
    return 0;
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
