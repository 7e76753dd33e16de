/* SPDX-License-Identifier: MIT */
#include "broker/base/log_field.h"

const char *const log_level_names[] = {"error", "warning", "info", "debug",
                                       NULL};
