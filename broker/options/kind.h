/* SPDX-License-Identifier: MIT
 *
 * kind - how a value of some type is read and written, and the form of a valid
 * one. It is a number, or a word of a list, stored as its index, or a text,
 * which is only checked.
 */
#ifndef SLUICE_OPTIONS_KIND_H
#define SLUICE_OPTIONS_KIND_H

#include <stdbool.h>
#include <stdint.h>

struct mistakes;
struct sentence;

enum {
    KIND_NUMBER_BYTES = 32, /* room for any number or word, written */
    KIND_RANGE_BYTES = 80,
};

struct kind {
    const char *placeholder; /* in help */
    const char *form;        /* in mistakes: "... is not FORM" */
    /* A number. */
    bool (*parse)(const char *text, uint64_t *value);
    void (*format)(uint64_t value, char out[KIND_NUMBER_BYTES]); /* shortest */
    /* A word: the i-th, NULL behind the last. */
    const char *(*word)(uint64_t i);
    /* A text. */
    bool (*accepts)(const char *text);
    /* What is wrong with one that is not accepted, in the place of "is not
     * FORM"; NULL: there is no more to say. */
    void (*explain)(const char *text, struct sentence *why);
};

extern const struct kind kind_size;     /* bytes */
extern const struct kind kind_duration; /* ms */
extern const struct kind kind_count;
extern const struct kind kind_mode;        /* of a file */
extern const struct kind kind_level;       /* enum log_level */
extern const struct kind kind_log_format;  /* enum log_format */
extern const struct kind kind_tls_clients; /* enum tls_clients_word */
extern const struct kind kind_tls_min;     /* enum tls_min_word */
extern const struct kind kind_policy;      /* index of policies */
extern const struct kind kind_yes_no;      /* 0: no, 1: yes */
extern const struct kind kind_door;        /* text, as the rest: an address
                                              and words */
extern const struct kind kind_http_door;   /* the same for HTTP */
extern const struct kind kind_local;       /* address of a local socket */
extern const struct kind kind_file;
extern const struct kind kind_folder;
extern const struct kind kind_endpoint;
extern const struct kind kind_text;
extern const struct kind kind_rule; /* read by rules.h */

/* Reads a value within bounds; of a text, `value` is left alone. When it is not
 * valid, returns false with a mistake that names `name` and the text. */
bool kind_read(const struct kind *kind, const char *name, const char *text,
               uint64_t min, uint64_t max, uint64_t *value, struct mistakes *m);

/* Writes a number or word. */
void kind_write(const struct kind *kind, uint64_t value,
                char out[KIND_NUMBER_BYTES]);

/* Writes the bounds of a number: "from 1k to 1g". */
void kind_range(const struct kind *kind, uint64_t min, uint64_t max,
                char out[KIND_RANGE_BYTES]);

#endif
