/* SPDX-License-Identifier: MIT */
#include "proto/spelling.h"

#include <string.h>

#include "proto/octet.h"

static char *spelling_write_octet(char *out, uint8_t octet)
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = digits[octet >> 4];
    out[2] = digits[octet & 15];
    return out + SPELLING_GROWTH;
}

size_t spelling_write_channel(char *out, const uint8_t *name, size_t length)
{
    const uint8_t *octet = name, *stop = name + length;
    char *end = out;
    if (length > 0 && *octet == '@')
        end = spelling_write_octet(end, *octet++);
    for (; octet < stop; octet++) {
        if (octet_is(*octet, OCTET_PLAIN) && *octet != '*')
            *end++ = (char)*octet;
        else
            end = spelling_write_octet(end, *octet);
    }
    return (size_t)(end - out);
}

size_t spelling_write_value(char *out, const void *octets, size_t length)
{
    const uint8_t *octet = octets;
    char *end = out;
    for (size_t i = 0; i < length; i++) {
        if (octet_is(octet[i], OCTET_PLAIN | OCTET_EQUALS))
            *end++ = (char)octet[i];
        else
            end = spelling_write_octet(end, octet[i]);
    }
    return (size_t)(end - out);
}

size_t spelling_read(uint8_t *out, struct span text)
{
    const uint8_t *at = (const uint8_t *)text.text, *stop = at + text.length;
    uint8_t *end = out;
    while (at < stop) {
        if (*at != '%') {
            *end++ = *at++;
            continue;
        }
        *end++ =
            (uint8_t)(octet_hex_value(at[1]) << 4 | octet_hex_value(at[2]));
        at += SPELLING_GROWTH;
    }
    return (size_t)(end - out);
}

bool spelling_read_channel(uint8_t out[CHANNEL_NAME_MAX], size_t *length,
                           struct span text)
{
    uint8_t octets[SPELLING_CHANNEL_MAX];
    if (text.length == 0 || text.length > sizeof octets ||
        text.text[0] == '@' || memchr(text.text, '*', text.length))
        return false;
    *length = spelling_read(octets, text);
    if (*length > CHANNEL_NAME_MAX)
        return false;
    memcpy(out, octets, *length);
    return true;
}

bool spelling_is_address(struct span text)
{
    return text.length >= 2 && text.length <= SPELLING_ADDRESS_MAX &&
           text.text[0] == '@' &&
           octet_all_are(text.text + 1, text.length - 1, OCTET_NAME);
}
