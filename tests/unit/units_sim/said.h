/* SPDX-License-Identifier: MIT
 *
 * said - one unit of the broker, taken apart by a parser of the test's own:
 * slow, obvious, and strict about what PROTOCOL says that servers write.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_SAID_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAID_HEAD_MAX = 4096, SAID_WORDS = 64 };

struct said {
    char text[SAID_HEAD_MAX + 1]; /* the head; its words end with NULs */
    const char *words[SAID_WORDS];
    int arguments; /* words[1] is the first */
    int count;     /* of all words, the verb among them */
    const uint8_t *body;
    uint32_t body_length;
};

/* False when the head breaks a rule of section 2. The body stays where it is.
 */
bool said_parse(struct said *u, const uint8_t *head, uint32_t length,
                const uint8_t *body, uint32_t body_length);

bool said_is(const struct said *u, const char *verb);

/* The value of the first option of this name; NULL when there is none. */
const char *said_option(const struct said *u, const char *name);

/* The same as a number, `otherwise` when there is none; UINT64_MAX when it is
 * not a number. */
uint64_t said_number(const struct said *u, const char *name,
                     uint64_t otherwise);
uint64_t said_argument(const struct said *u, int which);

#endif
