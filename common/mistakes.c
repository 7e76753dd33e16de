/* SPDX-License-Identifier: MIT */
#include "common/mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_BYTES = 400 }; /* kept of a sentence that is too long */

/* The middle is the text at fault; the end says what is wrong with it. */
static void mistakes_shorten(char *sentence)
{
    size_t size = strlen(sentence) + 1;
    char *tail = sentence + MISTAKE_BYTES - TAIL_BYTES;
    if (size <= MISTAKE_BYTES)
        return;
    memmove(tail, sentence + size - TAIL_BYTES, TAIL_BYTES);
    memcpy(tail - 3, "...", 3);
}

__attribute__((format(printf, 2, 0))) static char *
mistakes_compose(const struct mistakes *m, const char *format, va_list list)
{
    char *sentence = NULL;
    size_t length;
    FILE *out = open_memstream(&sentence, &length);
    if (!out)
        return NULL;
    if (m->place)
        fprintf(out, "%s:", m->place);
    if (m->line > 0)
        fprintf(out, "%u:", m->line);
    if (m->place)
        fputc(' ', out);
    vfprintf(out, format, list);
    if (fclose(out) == 0)
        return sentence;
    free(sentence);
    return NULL;
}

bool mistakes_add(struct mistakes *m, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *sentence = mistakes_compose(m, format, list);
    va_end(list);
    m->count++;
    if (sentence)
        mistakes_shorten(sentence);
    m->report(m->arg, sentence ? sentence : "no memory to say what is wrong");
    free(sentence);
    return false;
}
