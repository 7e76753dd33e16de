/* SPDX-License-Identifier: MIT
 *
 * spelling - how octets are written in a head: visible ASCII as it is,
 * everything else as "%XX". Many spellings can mean the same octets; the
 * canonical one is what a broker writes. Section 2.3 of the specification.
 *
 * It is not common/percent, which writes names for people: there printable
 * UTF-8 stays, and only one spelling is taken back.
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

/* Reads a channel to publish to, or whose delivery is meant: 1 to 255 octets,
 * no raw '*', no raw '@' in front. False when it is none (rule 11). */
bool spelling_read_channel(uint8_t out[CHANNEL_NAME_MAX], size_t *length,
                           struct span text);

/* Whether `text` is written as a reply address: '@' and 1 to 64 letters,
 * digits, '-', '.' or '_'. */
bool spelling_is_address(struct span text);

#endif
