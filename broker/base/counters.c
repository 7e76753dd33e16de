/* SPDX-License-Identifier: MIT */
#include "broker/base/counters.h"

const struct counter_row counter_rows[COUNTER_TOTAL] = {
#define COUNTER_ROW(id, kind, unit, sentence)                                  \
    {#id, COUNTER_KIND_##kind, unit, sentence},
    COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
};
