/* SPDX-License-Identifier: MIT
 *
 * Stricter than the options of a command line (no fraction, no missing unit):
 * what one broker accepts, all brokers must accept.
 */
#include "proto/unit_option.h"

#include <stddef.h>

#include "proto/octet.h"
#include "proto/spelling.h"

enum {
    RID_MAX = 32,            /* octets */
    DURATION_DIGITS_MAX = 9, /* so that no product overflows */
    NUMBER_DIGITS_MAX = 19,
};

struct unit_option_row {
    const char *name;
    bool (*read)(const struct unit_option_row *row, struct span value,
                 uint64_t *number);
    uint64_t least, most;
};

static bool is_in_range(const struct unit_option_row *row, uint64_t number)
{
    return number >= row->least && number <= row->most;
}

static bool read_TEXT(const struct unit_option_row *row, struct span value,
                      uint64_t *number)
{
    (void)number;
    return is_in_range(row, value.length);
}

static bool read_RID(const struct unit_option_row *row, struct span value,
                     uint64_t *number)
{
    (void)row;
    (void)number;
    return value.length >= 1 && value.length <= RID_MAX &&
           octet_all_are(value.text, value.length, OCTET_NAME);
}

static bool read_ADDRESS(const struct unit_option_row *row, struct span value,
                         uint64_t *number)
{
    (void)row;
    (void)number;
    return spelling_is_address(value);
}

static bool read_YESNO(const struct unit_option_row *row, struct span value,
                       uint64_t *number)
{
    (void)row;
    *number = span_is_text(value, "yes");
    return *number || span_is_text(value, "no");
}

static bool read_CONFIRM(const struct unit_option_row *row, struct span value,
                         uint64_t *number)
{
    (void)row;
    *number = span_is_text(value, "sync");
    return *number || span_is_text(value, "route");
}

static bool read_NUMBER(const struct unit_option_row *row, struct span value,
                        uint64_t *number)
{
    return unit_number_read(value, number) && is_in_range(row, *number);
}

static bool read_DURATION(const struct unit_option_row *row, struct span value,
                          uint64_t *number)
{
    return unit_duration_read(value, number) && is_in_range(row, *number);
}

/* A duration in the range, or 0. */
static bool read_PERIOD(const struct unit_option_row *row, struct span value,
                        uint64_t *number)
{
    return unit_duration_read(value, number) &&
           (*number == 0 || is_in_range(row, *number));
}

static const struct unit_option_row rows[UNIT_OPTION_COUNT] = {
#define X(name, kind, least, most)                                             \
    [UNIT_OPTION_##name] = {#name, read_##kind, least, most},
    UNIT_OPTIONS(X)
#undef X
};

const char *unit_option_name(enum unit_option option)
{
    return rows[option].name;
}

enum unit_option unit_option_find(struct span name)
{
    enum unit_option option = 0;
    while (option < UNIT_OPTION_COUNT && !span_is_text(name, rows[option].name))
        option++;
    return option;
}

bool unit_option_read(enum unit_option option, struct span value,
                      uint64_t *number)
{
    return rows[option].read(&rows[option], value, number);
}

static uint64_t read_digits(const char *text, uint32_t digits)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    return number;
}

bool unit_number_read(struct span text, uint64_t *number)
{
    if (text.length == 0 || text.length > NUMBER_DIGITS_MAX ||
        !octet_all_are(text.text, text.length, OCTET_DIGIT) ||
        (text.text[0] == '0' && text.length > 1))
        return false;
    uint64_t value = read_digits(text.text, text.length);
    if (value > INT64_MAX)
        return false;
    *number = value;
    return true;
}

struct duration_unit {
    const char *suffix;
    uint64_t ms;
};

static const struct duration_unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

bool unit_duration_read(struct span text, uint64_t *ms)
{
    uint32_t digits = 0;
    while (digits < text.length &&
           octet_is((uint8_t)text.text[digits], OCTET_DIGIT))
        digits++;
    if (digits == 0 || digits > DURATION_DIGITS_MAX)
        return false;
    struct span suffix = {text.text + digits, text.length - digits};
    for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++)
        if (span_is_text(suffix, duration_units[i].suffix)) {
            *ms = read_digits(text.text, digits) * duration_units[i].ms;
            return true;
        }
    return false;
}
