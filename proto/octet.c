/* SPDX-License-Identifier: MIT */
#include "proto/octet.h"

const uint16_t octet_classes[256] = {
    [' '] = OCTET_SPACE,
    [0x21 ... 0x24] = OCTET_PLAIN,
    ['%'] = OCTET_PERCENT,
    [0x26 ... 0x2c] = OCTET_PLAIN,
    ['-'] = OCTET_PLAIN | OCTET_NAME | OCTET_DASH,
    ['.'] = OCTET_PLAIN | OCTET_NAME | OCTET_POINT,
    ['/'] = OCTET_PLAIN,
    ['0' ... '9'] = OCTET_PLAIN | OCTET_NAME | OCTET_DIGIT | OCTET_HEX,
    [0x3a ... 0x3c] = OCTET_PLAIN,
    ['='] = OCTET_EQUALS,
    [0x3e ... 0x40] = OCTET_PLAIN,
    ['A' ... 'F'] = OCTET_PLAIN | OCTET_NAME | OCTET_UPPER | OCTET_HEX,
    ['G' ... 'Z'] = OCTET_PLAIN | OCTET_NAME | OCTET_UPPER,
    [0x5b ... 0x5e] = OCTET_PLAIN,
    ['_'] = OCTET_PLAIN | OCTET_NAME | OCTET_POINT,
    ['`'] = OCTET_PLAIN,
    ['a' ... 'f'] = OCTET_PLAIN | OCTET_NAME | OCTET_LOWER | OCTET_HEX,
    ['g' ... 'z'] = OCTET_PLAIN | OCTET_NAME | OCTET_LOWER,
    [0x7b ... 0x7e] = OCTET_PLAIN,
};
