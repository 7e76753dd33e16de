/* SPDX-License-Identifier: MIT
 *
 * spelling - how octets are written in a head: visible ASCII as it is,
 * everything else as "%XX". Several spellings can mean the same octets; brokers
 * write the canonical one (section 2.3 of the specification).
 *
 * common/percent writes names for people instead: it keeps printable UTF-8, and
 * reads back one spelling only.
 */
#ifndef SLUICE_PROTO_SPELLING_H
#define SLUICE_PROTO_SPELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/channel_name.h"
#include "proto/span.h"

enum {
    SPELLING_GROWTH = 3, /* octets of text for one octet, at most */
    SPELLING_CHANNEL_MAX = SPELLING_GROWTH * CHANNEL_NAME_MAX,
    SPELLING_ADDRESS_MAX = 65, /* of a reply address, with its '@' */
};

/* Writes the canonical spelling of a channel, which can be sent back as a
 * channel and as a pattern, and returns its length. `out` has room for
 * SPELLING_GROWTH * length. */
size_t spelling_write_channel(char *out, const uint8_t *name, size_t length);

/* The same for the value of an option or a header, in which '=' and '*' have
 * no meaning and stand for themselves. */
size_t spelling_write_value(char *out, const void *octets, size_t length);

/* Writes the octets that `text` spells and returns how many there are, never
 * more than text.length. Every '%' in it must be followed by two hexadecimal
 * digits, as head_parse() makes sure. `out` may be `text` itself. */
size_t spelling_read(uint8_t *out, struct span text);

/* Reads the name of a channel, in units that take no pattern: 1 to 255 octets,
 * no raw '*', no raw '@' in front. False when it is not one (rule 11). */
bool spelling_read_channel(uint8_t out[CHANNEL_NAME_MAX], size_t *length,
                           struct span text);

/* Whether `text` is written as a reply address: '@' and 1 to 64 letters,
 * digits, '-', '.' or '_'. */
bool spelling_is_address(struct span text);

#endif
