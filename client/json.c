/* SPDX-License-Identifier: MIT */
#include "client/json.h"

#include "client/escape.h"

#include <string.h>

static bool json_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* The letter that an ASCII character is escaped with; 0 when it needs none. */
static char json_letter(uint8_t byte)
{
    static const char letters[128] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (byte >= sizeof letters)
        return 0;
    return letters[byte];
}

/* Writes \uNNNN; returns its length. */
static size_t json_put_unit(uint32_t unit, char shown[6])
{
    static const char digits[] = "0123456789abcdef";
    shown[0] = '\\';
    shown[1] = 'u';
    for (int i = 0; i < 4; i++)
        shown[2 + i] = digits[unit >> (12 - 4 * i) & 15];
    return 6;
}

/* A character that does not fit into one unit becomes two: surrogates. */
static size_t json_put_character(uint32_t character, char shown[JSON_BYTES])
{
    if (character < 0x10000)
        return json_put_unit(character, shown);
    character -= 0x10000;
    size_t first = json_put_unit(0xd800 | character >> 10, shown);
    return first + json_put_unit(0xdc00 | (character & 0x3ff), shown + first);
}

size_t json_next_text(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                      size_t *shown_length)
{
    char letter = json_letter(*bytes);
    if (letter) {
        shown[0] = '\\';
        shown[1] = letter;
        *shown_length = 2;
        return 1;
    }
    uint32_t character = *bytes;
    size_t taken = json_is_control(*bytes);
    if (taken == 0)
        taken = escape_format(bytes, n, &character);
    if (taken == 0)
        return escape_next(bytes, n, shown, shown_length);
    *shown_length = json_put_character(character, shown);
    return taken;
}

bool json_is_text(const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        char shown[JSON_BYTES];
        size_t length;
        at += json_next_text(bytes + at, n - at, shown, &length);
        if (shown[0] == '\\' && shown[1] == 'x')
            return false; /* the one escape that JSON does not have */
    }
    return true;
}

size_t json_next_base64(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                        size_t *shown_length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t taken = n < 3 ? n : 3;
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < taken ? bytes[i] : 0u);
    memset(shown, '=', 4);
    for (size_t i = 0; i <= taken; i++)
        shown[i] = digits[bits >> (18 - 6 * i) & 63];
    *shown_length = 4;
    return taken;
}
