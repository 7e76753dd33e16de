/* SPDX-License-Identifier: MIT
 *
 * unit_text - units of version 2 as the generators need them: written from a
 * line of text, found in what has come.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_UNIT_TEXT_H
#define SLUICE_TESTS_BENCH_LOAD_UNIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_text {
    const char *head; /* not terminated */
    uint32_t head_length, body_length;
    size_t bytes; /* of the unit */
};

/* The unit that `bytes` begins with; false when it has not wholly come. */
bool unit_text_read(struct unit_text *out, const uint8_t *bytes, size_t n);

/* Writes a unit whose body has `size` bytes of 'x'; returns its end. */
uint8_t *unit_text_put(uint8_t *out, const char *head, uint32_t size);

/* Opens version 2 on a blocking connection. */
void unit_text_open(int fd);

/* Sends a unit without a body and waits for the unit that answers it, which
 * nothing may follow; it has to begin with `expected`. */
void unit_text_ask(int fd, const char *head, const char *expected);

#endif
