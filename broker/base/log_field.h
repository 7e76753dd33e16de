/* SPDX-License-Identifier: MIT
 *
 * log_field - the parts of a log event apart from its name: a level, and
 * fields, each a key with text, bytes or a number.
 */
#ifndef SLUICE_BASE_LOG_FIELD_H
#define SLUICE_BASE_LOG_FIELD_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern const char *const log_level_names[]; /* NULL at the end */

enum log_field_kind { LOG_END, LOG_FIELD_TEXT, LOG_FIELD_BYTES, LOG_FIELD_U64 };

struct log_field {
    enum log_field_kind kind;
    const char *key;
    const void *bytes; /* NULL: the field is left out */
    size_t length;
    uint64_t number;
};

/* Text ends with NUL; bytes are counted. Both may come from a peer. */
#define LOG_TEXT(k, s)     ((struct log_field){LOG_FIELD_TEXT, k, s, 0, 0})
#define LOG_BYTES(k, p, n) ((struct log_field){LOG_FIELD_BYTES, k, p, n, 0})
#define LOG_U64(k, n)      ((struct log_field){LOG_FIELD_U64, k, NULL, 0, n})

/* A field that is left out. */
#define LOG_NONE LOG_TEXT("", NULL)

/* Fields as an array that ends with LOG_END. */
#define LOG_LIST(...)                                                          \
    ((const struct log_field[]){__VA_ARGS__, {.kind = LOG_END}})

#endif
