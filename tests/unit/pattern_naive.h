/* SPDX-License-Identifier: MIT
 *
 * pattern_naive - what patterns mean, said as slowly and plainly as can be:
 * the oracle of the tests. Only for patterns that are spelled without '%'.
 */
#ifndef SLUICE_TESTS_UNIT_PATTERN_NAIVE_H
#define SLUICE_TESTS_UNIT_PATTERN_NAIVE_H

#include <stdbool.h>
#include <string.h>

/* '/a' and '/a/b' are below '/a'; '/ab' is not. */
static inline bool naive_is_below(const char *text, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(text, folder, n) == 0 && (text[n] == '\0' || text[n] == '/');
}

static inline bool naive_segments(const char *pattern, const char *name)
{
    size_t p = strcspn(pattern, "/"), n = strcspn(name, "/");
    if (strcmp(pattern, "**") == 0)
        return true;
    bool is_any = p == 1 && *pattern == '*';
    if (!is_any && (p != n || strncmp(pattern, name, n) != 0))
        return false;
    if (name[n] == '\0') /* the rest may be nothing */
        return pattern[p] == '\0' || strcmp(pattern + p, "/**") == 0;
    return pattern[p] == '/' && naive_segments(pattern + p + 1, name + n + 1);
}

/* 'q', 's' or 't' */
static inline char naive_world(const char *text)
{
    return strncmp(text, "/queue", 6) == 0 ? 'q'
           : naive_is_below(text, "/sys")  ? 's'
                                           : 't';
}

static inline bool naive_matches(const char *pattern, const char *name)
{
    return naive_world(pattern) == naive_world(name) &&
           naive_segments(pattern, name);
}

#endif
