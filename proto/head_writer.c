/* SPDX-License-Identifier: MIT */
#include "proto/head_writer.h"

#include <string.h>

#include "proto/decimal.h"
#include "proto/spelling.h"

static void head_put(struct head_writer *w, struct span text)
{
    w->is_over |= text.length > HEAD_MAX - w->length;
    if (w->is_over || text.length == 0)
        return;
    memcpy(w->room + w->length, text.text, text.length);
    w->length += text.length;
}

static void head_put_octet(struct head_writer *w, char octet)
{
    head_put(w, (struct span){&octet, 1});
}

static void head_put_number(struct head_writer *w, uint64_t number)
{
    char digits[DECIMAL_MAX];
    head_put(w, (struct span){digits, decimal_put(digits, number)});
}

/* A value grows as it is spelled, and how much is known only afterwards: it is
 * spelled piece by piece. */
static void head_put_value(struct head_writer *w, const uint8_t *octets,
                           size_t length)
{
    enum { PIECE = 64 };
    char text[PIECE * SPELLING_GROWTH];
    for (size_t n; length > 0; octets += n, length -= n) {
        n = length < PIECE ? length : PIECE;
        size_t spelled = spelling_write_value(text, octets, n);
        head_put(w, (struct span){text, (uint32_t)spelled});
    }
}

static void head_put_name(struct head_writer *w, struct span name)
{
    head_put_octet(w, ' ');
    head_put(w, name);
    head_put_octet(w, '=');
}

void head_begin(struct head_writer *w, char room[HEAD_MAX], const char *word)
{
    *w = (struct head_writer){.room = room};
    head_put(w, span_of(word));
}

void head_add_channel(struct head_writer *w, const uint8_t *name, size_t length)
{
    char text[SPELLING_CHANNEL_MAX];
    w->is_over |= length > CHANNEL_NAME_MAX;
    if (w->is_over)
        return;
    size_t spelled = spelling_write_channel(text, name, length);
    head_add_spelled(w, (struct span){text, (uint32_t)spelled});
}

void head_add_spelled(struct head_writer *w, struct span argument)
{
    head_put_octet(w, ' ');
    head_put(w, argument);
}

void head_add_number(struct head_writer *w, uint64_t number)
{
    head_put_octet(w, ' ');
    head_put_number(w, number);
}

void head_add_option(struct head_writer *w, enum unit_option option,
                     struct span text)
{
    head_put_name(w, span_of(unit_option_name(option)));
    head_put_value(w, (const uint8_t *)text.text, text.length);
}

void head_add_option_number(struct head_writer *w, enum unit_option option,
                            uint64_t number)
{
    head_put_name(w, span_of(unit_option_name(option)));
    head_put_number(w, number);
}

void head_add_option_ms(struct head_writer *w, enum unit_option option,
                        uint64_t ms)
{
    head_add_option_number(w, option, ms % 1000 == 0 ? ms / 1000 : ms);
    head_put(w, span_of(ms % 1000 == 0 ? "s" : "ms"));
}

bool head_add_header(struct head_writer *w, struct span name, const void *value,
                     size_t length)
{
    if (!head_is_header(name))
        return false;
    head_put_name(w, name);
    head_put_value(w, value, length);
    return true;
}

uint32_t head_end(const struct head_writer *w)
{
    return w->is_over ? 0 : w->length;
}
