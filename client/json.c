/* SPDX-License-Identifier: MIT */
#include "client/json.h"

#include "client/escape.h"

#include <string.h>

static bool json_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

bool json_is_text(const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        char shown[ESCAPE_BYTES];
        size_t length;
        size_t taken = escape_next(bytes + at, n - at, shown, &length);
        bool is_escaped = taken != length;
        if (is_escaped && !json_is_control(bytes[at]))
            return false;
        at += taken;
    }
    return true;
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

size_t json_next_text(const uint8_t *bytes, size_t n, char shown[JSON_BYTES],
                      size_t *shown_length)
{
    static const char digits[] = "0123456789abcdef";
    char letter = json_letter(*bytes);
    if (letter) {
        shown[0] = '\\';
        shown[1] = letter;
        *shown_length = 2;
        return 1;
    }
    if (json_is_control(*bytes)) {
        memcpy(shown, (const char[]){'\\', 'u', '0', '0'}, 4);
        shown[4] = digits[*bytes >> 4];
        shown[5] = digits[*bytes & 15];
        *shown_length = 6;
        return 1;
    }
    return escape_next(bytes, n, shown, shown_length);
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
