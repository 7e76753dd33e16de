/* SPDX-License-Identifier: MIT
 *
 * option_kind - how the value of an option is read, and what a good one looks
 * like. Every value fits in 64 bits.
 */
#ifndef SLUICE_BROKER_OPTION_KIND_H
#define SLUICE_BROKER_OPTION_KIND_H

#include <stdbool.h>
#include <stdint.h>

struct option_kind {
    const char *placeholder; /* in help */
    const char *form;        /* in errors: "... is not FORM" */
    bool (*parse)(const char *text, uint64_t *value);
};

extern const struct option_kind option_kind_size;     /* bytes */
extern const struct option_kind option_kind_duration; /* ms */
extern const struct option_kind option_kind_count;
extern const struct option_kind option_kind_level;  /* enum log_level */
extern const struct option_kind option_kind_policy; /* index of policies */

/* Reads a value within bounds. False, with one sentence in `error`, naming
 * `name` and the text, when it is not good; `range` says the bounds. */
enum { OPTION_ERROR_BYTES = 512 };

bool option_kind_read(const struct option_kind *kind, const char *name,
                      const char *text, uint64_t min, uint64_t max,
                      const char *range, uint64_t *value,
                      char error[OPTION_ERROR_BYTES]);

#endif
