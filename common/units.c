/* SPDX-License-Identifier: MIT
 *
 * Parsed by hand: strtoull() takes signs and blanks, strtod() depends on the
 * locale and takes "inf" and hexadecimal.
 */
#include "common/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A duration's fraction counts in these parts; more digits add nothing. */
enum { UNITS_FRACTION_PARTS = 1000000 };

struct units_suffix {
    const char *text;
    uint64_t factor;
};

/* The largest first, and of equals the one to be written. */
static const struct units_suffix units_sizes[] = {
    {"g", 1 << 30}, {"G", 1 << 30}, {"m", 1 << 20}, {"M", 1 << 20},
    {"k", 1 << 10}, {"K", 1 << 10}, {"", 1},        {NULL, 0},
};

static const struct units_suffix units_durations[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"", 1000}, {"ms", 1}, {NULL, 0},
};

static bool units_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits up to the first other byte; false when there are none, or when
 * they say more than 64 bits can hold. */
static bool units_take_digits(const char **text, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = *text;
    for (; units_is_digit(*at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

/* Reads ".5" or nothing, as parts of UNITS_FRACTION_PARTS, rounded up. */
static bool units_take_fraction(const char **text, uint64_t *parts)
{
    *parts = 0;
    if (**text != '.')
        return true;
    const char *at = *text + 1;
    if (!units_is_digit(*at))
        return false;
    uint64_t weight = UNITS_FRACTION_PARTS;
    bool is_finer = false;
    for (; units_is_digit(*at); at++) {
        weight /= 10;
        *parts += weight * (uint64_t)(*at - '0');
        is_finer |= weight == 0 && *at != '0';
    }
    *parts += is_finer;
    *text = at;
    return true;
}

static uint64_t units_factor(const struct units_suffix *table,
                             const char *suffix)
{
    for (; table->text; table++)
        if (strcmp(table->text, suffix) == 0)
            return table->factor;
    return 0;
}

bool units_parse_size(const char *text, uint64_t *bytes)
{
    uint64_t value;
    if (!units_take_digits(&text, &value))
        return false;
    uint64_t factor = units_factor(units_sizes, text);
    if (factor == 0 || value > UINT64_MAX / factor)
        return false;
    *bytes = value * factor;
    return true;
}

bool units_parse_duration_ms(const char *text, uint64_t *ms)
{
    uint64_t whole, parts;
    if (!units_take_digits(&text, &whole) ||
        !units_take_fraction(&text, &parts))
        return false;
    uint64_t factor = units_factor(units_durations, text);
    if (factor == 0)
        return false;
    uint64_t rest =
        (parts * factor + UNITS_FRACTION_PARTS - 1) / UNITS_FRACTION_PARTS;
    if (whole > (UINT64_MAX - rest) / factor)
        return false;
    *ms = whole * factor + rest;
    return true;
}

bool units_parse_count(const char *text, uint64_t *count)
{
    uint64_t value;
    if (!units_take_digits(&text, &value) || *text != '\0')
        return false;
    *count = value;
    return true;
}

/* In the largest unit that leaves no rest. */
static void units_format(const struct units_suffix *table, uint64_t value,
                         char out[UNITS_BYTES])
{
    while (table->factor > 1 && value % table->factor != 0)
        table++;
    snprintf(out, UNITS_BYTES, "%" PRIu64 "%s", value / table->factor,
             table->text);
}

void units_format_size(uint64_t bytes, char out[UNITS_BYTES])
{
    if (bytes == 0)
        units_format_count(0, out);
    else
        units_format(units_sizes, bytes, out);
}

void units_format_duration_ms(uint64_t ms, char out[UNITS_BYTES])
{
    if (ms == 0)
        units_format_count(0, out);
    else
        units_format(units_durations, ms, out);
}

void units_format_count(uint64_t count, char out[UNITS_BYTES])
{
    snprintf(out, UNITS_BYTES, "%" PRIu64, count);
}
