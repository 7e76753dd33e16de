/* SPDX-License-Identifier: MIT
 *
 * option_kind - how a value of some type is read and written, and what a good
 * one looks like. Numbers of all kinds fit in 64 bits; a text is only judged.
 */
#ifndef SLUICE_BROKER_OPTION_KIND_H
#define SLUICE_BROKER_OPTION_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OPTION_ERROR_BYTES = 512,
    OPTION_NUMBER_BYTES = 32, /* room for any number, written */
    OPTION_RANGE_BYTES = 80,
};

struct option_kind {
    const char *placeholder; /* in help */
    const char *form;        /* in errors: "... is not FORM" */
    /* For a text, which is only judged, *value is 0. */
    bool (*parse)(const char *text, uint64_t *value);
    /* The shortest way to write it; NULL for texts. */
    void (*format)(uint64_t value, char out[OPTION_NUMBER_BYTES]);
};

extern const struct option_kind option_kind_size;     /* bytes */
extern const struct option_kind option_kind_duration; /* ms */
extern const struct option_kind option_kind_count;
extern const struct option_kind option_kind_mode;       /* of a file */
extern const struct option_kind option_kind_level;      /* enum log_level */
extern const struct option_kind option_kind_log_format; /* enum log_format */
extern const struct option_kind option_kind_policy;     /* index of policies */
extern const struct option_kind option_kind_address;    /* text */
extern const struct option_kind option_kind_file;       /* text */
extern const struct option_kind option_kind_endpoint;   /* text */
extern const struct option_kind option_kind_word;       /* text */
/* Read by rules.h, not by option_kind_read. */
extern const struct option_kind option_kind_rule;

/* Writes the bounds of a number: "from 1k to 1g". */
void option_kind_range(const struct option_kind *kind, uint64_t min,
                       uint64_t max, char out[OPTION_RANGE_BYTES]);

/* Reads a value within bounds. False, with one sentence in `error` that names
 * `name` and the text, when it is not good. */
bool option_kind_read(const struct option_kind *kind, const char *name,
                      const char *text, uint64_t min, uint64_t max,
                      uint64_t *value, char error[OPTION_ERROR_BYTES]);

#endif
