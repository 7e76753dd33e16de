/* SPDX-License-Identifier: MIT */
#include "common/http_query.h"

#include "common/percent.h"

#include <string.h>

enum { HTTP_QUERY_DIGITS = 20 }; /* of UINT64_MAX */

/* Where the value of the parameter begins, and its length; NULL when there is
 * no such parameter. */
static const char *http_query_find(const char *query, const char *name,
                                   size_t *length)
{
    size_t n = strlen(name);
    while (*query) {
        size_t whole = strcspn(query, "&");
        if (whole > n && strncmp(query, name, n) == 0 && query[n] == '=') {
            *length = whole - n - 1;
            return query + n + 1;
        }
        query += whole + (query[whole] == '&');
    }
    return NULL;
}

bool http_query_bytes(const char *query, const char *name, uint8_t *out,
                      size_t room, size_t *length)
{
    size_t n;
    const char *value = http_query_find(query, name, &n);
    return value && percent_unescape(value, n, out, room, length);
}

bool http_query_number(const char *query, const char *name, uint64_t otherwise,
                       uint64_t most, uint64_t *out)
{
    size_t n = 0;
    const char *value = http_query_find(query, name, &n);
    *out = n > 0 ? 0 : otherwise;
    if (n > HTTP_QUERY_DIGITS)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)value[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, digit, out))
            return false;
    }
    return *out <= most;
}
