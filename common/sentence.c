/* SPDX-License-Identifier: MIT */
#include "common/sentence.h"

#include <stdarg.h>
#include <stdio.h>

bool sentence_fail(struct sentence *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return false;
}
