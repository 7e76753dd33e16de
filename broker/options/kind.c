/* SPDX-License-Identifier: MIT */
#include "broker/options/kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/core/policy.h"
#include "broker/net/address.h"
#include "proto/units.h"

/* A number in the largest unit that leaves no rest. */
struct unit {
    uint64_t size;
    const char *suffix;
};

static void format_units(uint64_t value, const struct unit *units, char *out)
{
    while (units->size > 1 && (value == 0 || value % units->size != 0))
        units++;
    snprintf(out, KIND_NUMBER_BYTES, "%" PRIu64 "%s", value / units->size,
             units->suffix);
}

static void format_size(uint64_t value, char *out)
{
    static const struct unit units[] = {
        {1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
    format_units(value, units, out);
}

static void format_duration(uint64_t value, char *out)
{
    static const struct unit units[] = {
        {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    if (value == 0)
        snprintf(out, KIND_NUMBER_BYTES, "0");
    else
        format_units(value, units, out);
}

static void format_count(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%" PRIu64, value);
}

static bool parse_mode(const char *text, uint64_t *value)
{
    size_t n = strspn(text, "01234567");
    if (n < 3 || n > 4 || text[n] != '\0')
        return false;
    *value = 0;
    for (; *text; text++)
        *value = *value * 8 + (uint64_t)(*text - '0');
    return true;
}

static void format_mode(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%04" PRIo64, value);
}

static bool parse_name(const char *const *names, const char *text,
                       uint64_t *value)
{
    for (uint64_t i = 0; names[i]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool parse_level(const char *text, uint64_t *value)
{
    return parse_name(log_level_names, text, value);
}

static void format_level(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%s", log_level_names[value]);
}

static bool parse_log_format(const char *text, uint64_t *value)
{
    return parse_name(log_format_names, text, value);
}

static void format_log_format(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%s", log_format_names[value]);
}

static bool parse_policy(const char *text, uint64_t *value)
{
    const struct policy *policy = policy_find(text);
    if (!policy)
        return false;
    *value = (uint64_t)(policy - policies);
    return true;
}

static void format_policy(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%s", policies[value].name);
}

static bool parse_address(const char *text, uint64_t *value)
{
    struct address address;
    *value = 0;
    return address_parse(text, &address);
}

static bool parse_endpoint(const char *text, uint64_t *value)
{
    const char *colon = strstr(text, "://");
    *value = 0;
    return colon && colon > text && colon[3] != '\0';
}

static bool parse_file(const char *text, uint64_t *value)
{
    *value = 0;
    return *text != '\0';
}

const struct kind kind_size = {"SIZE", UNITS_SIZE_FORM, units_parse_size,
                               format_size};
const struct kind kind_duration = {"TIME", UNITS_DURATION_FORM,
                                   units_parse_duration_ms, format_duration};
const struct kind kind_count = {"N", UNITS_COUNT_FORM, units_parse_count,
                                format_count};
const struct kind kind_mode = {"MODE", "a mode in octal such as 0660",
                               parse_mode, format_mode};
const struct kind kind_level = {"LEVEL", "error, warning, info or debug",
                                parse_level, format_level};
const struct kind kind_log_format = {"FORMAT", "text or json", parse_log_format,
                                     format_log_format};
const struct kind kind_policy = {"POLICY",
                                 "wait, drop-newest, drop-oldest or disconnect",
                                 parse_policy, format_policy};
const struct kind kind_address = {"ADDR", ADDRESS_FORM, parse_address, NULL};
const struct kind kind_file = {"FILE", "the path of a file", parse_file, NULL};
const struct kind kind_rule = {"RULE", "'PATTERN option=value ...'", NULL,
                               NULL};

void kind_range(const struct kind *kind, uint64_t min, uint64_t max,
                char out[KIND_RANGE_BYTES])
{
    char from[KIND_NUMBER_BYTES], to[KIND_NUMBER_BYTES];
    kind->format(min, from);
    kind->format(max, to);
    snprintf(out, KIND_RANGE_BYTES, "from %s to %s", from, to);
}

bool kind_read(const struct kind *kind, const char *name, const char *text,
               uint64_t min, uint64_t max, uint64_t *value,
               char error[MISTAKE_BYTES])
{
    uint64_t read = min;
    if (!kind->parse(text, &read)) {
        snprintf(error, MISTAKE_BYTES, "%s: '%s' is not %s", name, text,
                 kind->form);
        return false;
    }
    if (read < min || read > max) {
        char range[KIND_RANGE_BYTES];
        kind_range(kind, min, max, range);
        snprintf(error, MISTAKE_BYTES, "%s: %s is out of range: %s", name, text,
                 range);
        return false;
    }
    *value = read;
    return true;
}
const struct kind kind_endpoint = {
    "ENDPOINT", "an endpoint of ZeroMQ such as tcp://127.0.0.1:5555",
    parse_endpoint, NULL};
const struct kind kind_word = {"TEXT", "a text", parse_file, NULL};
