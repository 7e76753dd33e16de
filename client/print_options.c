/* SPDX-License-Identifier: MIT */
#include "client/print_options.h"

#include <unistd.h>

bool print_options_are_given(const struct print_options *o)
{
    return o->format != PRINTER_TEXT || o->has_times || o->is_raw;
}

const char *print_options_wrong(const struct print_options *o)
{
    bool is_raw = o->is_raw || o->format == PRINTER_RAW;
    if (o->is_raw && o->format == PRINTER_JSON)
        return "--raw prints bytes alone; leave out --format json";
    if (is_raw && o->has_times)
        return "--raw prints bytes alone; leave out --timestamps";
    return NULL;
}

void print_options_apply(const struct print_options *o, struct printer *p,
                         const char *channel)
{
    printer_init(p, STDOUT_FILENO);
    p->format = o->is_raw ? PRINTER_RAW : (enum printer_format)o->format;
    p->has_time = o->has_times;
    p->channel = sluice_text(channel);
}
