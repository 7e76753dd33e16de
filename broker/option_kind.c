/* SPDX-License-Identifier: MIT */
#include "broker/option_kind.h"

#include <stdio.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/core/policy.h"
#include "proto/units.h"

static bool parse_level(const char *text, uint64_t *value)
{
    for (uint64_t i = 0; log_level_names[i]; i++) {
        if (strcmp(text, log_level_names[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool parse_policy(const char *text, uint64_t *value)
{
    const struct policy *policy = policy_find(text);
    if (!policy)
        return false;
    *value = (uint64_t)(policy - policies);
    return true;
}

const struct option_kind option_kind_size = {"SIZE", UNITS_SIZE_FORM,
                                             units_parse_size};
const struct option_kind option_kind_duration = {"TIME", UNITS_DURATION_FORM,
                                                 units_parse_duration_ms};
const struct option_kind option_kind_count = {"N", UNITS_COUNT_FORM,
                                              units_parse_count};
const struct option_kind option_kind_level = {
    "LEVEL", "error, warning, info or debug", parse_level};
const struct option_kind option_kind_policy = {
    "POLICY", "wait, drop-newest, drop-oldest or disconnect", parse_policy};

bool option_kind_read(const struct option_kind *kind, const char *name,
                      const char *text, uint64_t min, uint64_t max,
                      const char *range, uint64_t *value,
                      char error[OPTION_ERROR_BYTES])
{
    uint64_t read;
    if (!kind->parse(text, &read)) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: '%s' is not %s", name, text,
                 kind->form);
        return false;
    }
    if (read < min || read > max) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: %s is out of range: %s", name,
                 text, range);
        return false;
    }
    *value = read;
    return true;
}
