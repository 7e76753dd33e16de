/* SPDX-License-Identifier: MIT
 *
 * octet - the classes of octets in the text of version 2. All readers of heads
 * share one table, and the locale does not matter.
 */
#ifndef SLUICE_PROTO_OCTET_H
#define SLUICE_PROTO_OCTET_H

#include <stdbool.h>
#include <stdint.h>

/* Bits. An octet that has none of them cannot be part of a head. */
enum octet_class {
    OCTET_PLAIN = 1,   /* stands for itself in any token: 21-7E but % and = */
    OCTET_SPACE = 2,   /* between two tokens */
    OCTET_PERCENT = 4, /* followed by two OCTET_HEX */
    OCTET_EQUALS = 8,  /* the first one of a token makes it a pair */
    OCTET_HEX = 16,    /* either case */
    OCTET_UPPER = 32,  /* A to Z */
    OCTET_LOWER = 64,  /* a to z */
    OCTET_DIGIT = 128, /* 0 to 9 */
    OCTET_DASH = 256,  /* - */
    OCTET_POINT = 512, /* . and _ */
    /* The octets of request ids, reply addresses and names of headers: letters,
     * digits, OCTET_DASH, OCTET_POINT. */
    OCTET_NAME = 1024,
    OCTET_LETTER = OCTET_UPPER | OCTET_LOWER,
    OCTET_VISIBLE = OCTET_PLAIN | OCTET_PERCENT | OCTET_EQUALS,
};

extern const uint16_t octet_classes[256];

/* Whether `octet` is in one of the classes. */
static inline bool octet_is(uint8_t octet, unsigned classes)
{
    return (octet_classes[octet] & classes) != 0;
}

/* Whether all of `text` is; true for an empty text. */
static inline bool octet_all_are(const char *text, uint32_t length,
                                 unsigned classes)
{
    for (uint32_t i = 0; i < length; i++)
        if (!octet_is((uint8_t)text[i], classes))
            return false;
    return true;
}

/* The same for one bit, with half as many questions asked. */
static inline bool octet_all_have(const char *text, uint32_t length,
                                  enum octet_class bit)
{
    const uint8_t *at = (const uint8_t *)text, *last = at + length - 1;
    for (; at < last; at += 2)
        if ((octet_classes[at[0]] & octet_classes[at[1]] & bit) == 0)
            return false;
    return at > last || octet_is(*at, bit);
}

/* The value of an OCTET_HEX, 0 to 15. */
static inline unsigned octet_hex_value(uint8_t octet)
{
    return octet_is(octet, OCTET_DIGIT) ? octet - (unsigned)'0'
                                        : (octet | 0x20u) - 'a' + 10u;
}

#endif
