/* SPDX-License-Identifier: MIT */
#include "broker/complaints.h"

#include <stdio.h>

enum { SENTENCE_BYTES = 1024 };

bool complaints_add(struct complaints *c, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    c->count++;
    c->tell(c->arg, sentence);
    return false;
}
