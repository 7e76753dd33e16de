/* SPDX-License-Identifier: MIT
 *
 * span - a stretch of borrowed text, without a NUL at its end.
 */
#ifndef SLUICE_PROTO_SPAN_H
#define SLUICE_PROTO_SPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *text; /* borrowed; NULL only when length is 0 */
    uint32_t length;  /* octets */
};

/* A string without its NUL; borrowed. */
static inline struct span span_of(const char *text)
{
    return (struct span){text, (uint32_t)strlen(text)};
}

static inline bool span_is(struct span a, struct span b)
{
    return a.length == b.length &&
           (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* Whether it is `text`, which is not empty. Rows of a table mostly differ in
 * their first octet. */
static inline bool span_is_text(struct span span, const char *text)
{
    return span.length > 0 && *span.text == *text &&
           span_is(span, span_of(text));
}

#endif
