/* SPDX-License-Identifier: MIT
 *
 * head_writer - writes the head of a unit, word by word, into the caller's
 * memory. Names and values are spelled, so that each stays one token whatever
 * octets it has: text pasted into a head could add options to it.
 *
 *     struct head_writer w;
 *     head_begin(&w, room, "PUB");
 *     head_add_channel(&w, name, length);
 *     head_add_option_number(&w, UNIT_OPTION_rid, 8);
 *     uint32_t n = head_end(&w);
 */
#ifndef SLUICE_PROTO_HEAD_WRITER_H
#define SLUICE_PROTO_HEAD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/head.h"
#include "proto/span.h"

struct head_writer {
    char *room; /* HEAD_MAX octets, borrowed */
    uint32_t length;
    bool is_over; /* something did not fit; nothing is written any more */
};

/* Begins with `word`, which is written as it is. */
void head_begin(struct head_writer *w, char room[HEAD_MAX], const char *word);

/* An argument, in its canonical spelling. */
void head_add_channel(struct head_writer *w, const uint8_t *name,
                      size_t length);

/* An argument that is spelled already, and has passed head_parse() or
 * pattern_read(): a pattern, a reply address, a token. */
void head_add_spelled(struct head_writer *w, struct span argument);

/* An argument in decimal. */
void head_add_number(struct head_writer *w, uint64_t number);

/* Options; the text is any octets, which are spelled. */
void head_add_option(struct head_writer *w, enum unit_option option,
                     struct span text);
void head_add_option_number(struct head_writer *w, enum unit_option option,
                            uint64_t number);
void head_add_option_ms(struct head_writer *w, enum unit_option option,
                        uint64_t ms);

/* A header; the value is any octets. False, and nothing is written, when
 * `name` cannot be that of a header. */
bool head_add_header(struct head_writer *w, struct span name, const void *value,
                     size_t length);

/* The length of the head; 0 when it is above HEAD_MAX. */
uint32_t head_end(const struct head_writer *w);

#endif
