/* SPDX-License-Identifier: MIT */
#include "broker/session/session_kind.h"

#include "broker/session/units/units_kind.h"
#include "broker/session/v1.h"

const struct session_kind *const session_kinds[SESSION_KINDS] = {
    [SESSION_V1] = &v1_kind,
    [SESSION_UNITS] = &units_kind,
};
