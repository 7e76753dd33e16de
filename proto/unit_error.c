/* SPDX-License-Identifier: MIT */
#include "proto/unit_error.h"

struct unit_error_row {
    const char *code, *text;
    bool is_fatal;
};

static const struct unit_error_row rows[] = {
    [UNIT_OK] = {"", "done", false},
#define X(name, code, is_fatal, text) [UNIT_##name] = {code, text, is_fatal},
    UNIT_ERRORS(X)
#undef X
        [UNIT_REFUSED] = {"", "refused", false},
};

const char *unit_error_code(enum unit_error error)
{
    return rows[error].code;
}

const char *unit_error_text(enum unit_error error)
{
    return rows[error].text;
}

bool unit_error_is_fatal(enum unit_error error)
{
    return rows[error].is_fatal;
}

enum unit_error unit_error_find(struct span code)
{
    for (enum unit_error e = UNIT_OK + 1; e < UNIT_REFUSED; e++)
        if (span_is_text(code, rows[e].code))
            return e;
    return UNIT_REFUSED;
}
