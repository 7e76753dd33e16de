/* SPDX-License-Identifier: MIT */
#include "broker/options/mistakes.h"

#include <stdio.h>

enum { SENTENCE_BYTES = 1024 };

bool mistakes_add(struct mistakes *c, const char *format, ...)
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
