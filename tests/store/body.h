/* SPDX-License-Identifier: MIT
 *
 * body - the body of a message in the tests of the store, made from a tag: it
 * says which message it is, to the last bit, without being kept anywhere.
 */
#ifndef SLUICE_TESTS_STORE_BODY_H
#define SLUICE_TESTS_STORE_BODY_H

#include <stdint.h>

/* The length in bytes, from 0 on: as a rule some hundred, seldom some thousand.
 * A tag whose lowest bits are BODY_LONG is a long one. */
uint32_t body_length(uint64_t tag);

enum {
    BODY_LONG_EVERY = 4096, /* tags; from 64 KiB to 80 KiB then */
    BODY_MAX = 80 << 10,
};

/* Writes so many bytes. */
void body_write(uint8_t *out, uint64_t tag);

#endif
