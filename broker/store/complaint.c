/* SPDX-License-Identifier: MIT */
#include "broker/store/complaint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum engine_result complaint(struct engine_report *report,
                             enum engine_result result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(report->text, sizeof report->text, format, args);
    va_end(args);
    return result;
}

enum engine_result complaint_error(struct engine_report *report, int error,
                                   const char *what)
{
    report->error = error;
    if (error == ENOMEM)
        return ENGINE_NO_MEMORY;
    return complaint(report, ENGINE_ERROR, "%s: %s", what, strerror(error));
}

enum engine_result complaint_damage(struct engine_report *report, uint64_t id,
                                    uint64_t at, const char *what)
{
    return complaint(report, ENGINE_DAMAGED,
                     "segment %016" PRIx64 " is damaged at byte %" PRIu64
                     ": %s",
                     id, at, what);
}
