/* SPDX-License-Identifier: MIT
 *
 * option_kind - how a value of some type is read and written, and what a good
 * one looks like. Numbers of all kinds fit in 64 bits; a text is only judged.
 */
#ifndef SLUICE_OPTIONS_KIND_H
#define SLUICE_OPTIONS_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MISTAKE_BYTES = 512,
    KIND_NUMBER_BYTES = 32, /* room for any number, written */
    KIND_RANGE_BYTES = 80,
};

struct kind {
    const char *placeholder; /* in help */
    const char *form;        /* in errors: "... is not FORM" */
    /* For a text, which is only judged, *value is 0. */
    bool (*parse)(const char *text, uint64_t *value);
    /* The shortest way to write it; NULL for texts. */
    void (*format)(uint64_t value, char out[KIND_NUMBER_BYTES]);
};

extern const struct kind kind_size;     /* bytes */
extern const struct kind kind_duration; /* ms */
extern const struct kind kind_count;
extern const struct kind kind_mode;       /* of a file */
extern const struct kind kind_level;      /* enum log_level */
extern const struct kind kind_log_format; /* enum log_format */
extern const struct kind kind_policy;     /* index of policies */
extern const struct kind kind_address;    /* text */
extern const struct kind kind_file;       /* text */
extern const struct kind kind_endpoint;   /* text */
extern const struct kind kind_word;       /* text */
/* Read by rules.h, not by kind_read. */
extern const struct kind kind_rule;

/* Writes the bounds of a number: "from 1k to 1g". */
void kind_range(const struct kind *kind, uint64_t min, uint64_t max,
                char out[KIND_RANGE_BYTES]);

/* Reads a value within bounds. False, with one sentence in `error` that names
 * `name` and the text, when it is not good. */
bool kind_read(const struct kind *kind, const char *name, const char *text,
               uint64_t min, uint64_t max, uint64_t *value,
               char error[MISTAKE_BYTES]);

#endif
