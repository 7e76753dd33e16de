/* SPDX-License-Identifier: MIT
 *
 * pattern - which channel names a rule is for. A pattern is compared segment
 * by segment, the segments being what stands between slashes:
 *
 *     *     any one segment
 *     **    whatever is left, also nothing; only as the last segment
 *     else  exactly this segment
 *
 * So matching is one pass over the name, whatever the pattern.
 */
#ifndef SLUICE_CORE_PATTERN_H
#define SLUICE_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_FORM                                                           \
    "a channel name in which '*' stands for one segment and '**', at the "     \
    "end, for the rest"

/* Whether `text` is a pattern. */
bool pattern_is_valid(const char *text);

/* `pattern` must be valid. */
bool pattern_matches(const char *pattern, const uint8_t *name, size_t length);

#endif
