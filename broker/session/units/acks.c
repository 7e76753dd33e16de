/* SPDX-License-Identifier: MIT */
#include "broker/session/units/acks.h"

#include <string.h>

#include "broker/base/bytes.h"
#include "broker/core/queue_work.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/units.h"
#include "proto/decimal.h"
#include "proto/frame.h"

enum { NUMBER_DIGITS_MAX = 18 }; /* below 2^63, whatever they are */

static struct acks_place *place_of(const struct session *s)
{
    return &units_hub(s)->acks[s->id % ACKS_PLACES];
}

void acks_remember(struct session *s, struct channel *queue, struct span name)
{
    struct acks_place *place = place_of(s);
    if (name.length > ACKS_NAME_MAX)
        return;
    channel_ref_set(&place->queue, s->all->core, queue);
    memcpy(place->text, "ACK ", ACKS_WORD);
    memcpy(place->text + ACKS_WORD, name.text, name.length);
    place->text[ACKS_WORD + name.length] = ' ';
    place->length = ACKS_WORD + name.length + 1;
}

/* The number that `text` is; 0: it is not one, or the parser may judge. */
static inline uint64_t read_number(const uint8_t *text, size_t digits)
{
    uint64_t number = 0;
    if (*text == '0')
        return 0;
    for (const uint8_t *end = text + digits; text < end; text++) {
        unsigned digit = *text - (unsigned)'0';
        if (digit > 9)
            return 0;
        number = number * 10 + digit;
    }
    return number;
}

/* An acknowledgement: its head begins with the text of the place. */
struct ack {
    const uint8_t *unit;
    size_t size;
    uint32_t digits;
    uint64_t number; /* 0: it is none, or the parser may judge */
};

static inline struct ack ack_at(const uint8_t *p, const uint8_t *end,
                                const struct acks_place *place)
{
    struct ack ack = {.unit = p};
    uint32_t text_length = place->length;
    if ((size_t)(end - p) <= FRAME_HEAD_BYTES + text_length)
        return ack;
    uint32_t length = frame_get_length(p);
    const uint8_t *text = p + FRAME_HEAD_BYTES;
    if (length <= text_length || length > text_length + NUMBER_DIGITS_MAX ||
        (size_t)(end - text) < length + FRAME_HEAD_BYTES ||
        !bytes_are_equal(text, place->text, text_length) ||
        frame_get_length(text + length) != 0)
        return ack;
    ack.size = frame_size(length) + FRAME_HEAD_BYTES;
    ack.digits = length - text_length;
    ack.number = read_number(text + text_length, ack.digits);
    return ack;
}

/* How many acknowledgements there are from the first on whose numbers follow
 * one another, and have as many digits: the octets that come next are known
 * beforehand. */
static inline uint32_t count_run(const struct ack *first, const uint8_t *end)
{
    uint8_t next[FRAME_HEAD_BYTES + ACKS_WORD + ACKS_NAME_MAX + 1 +
                 NUMBER_DIGITS_MAX + FRAME_HEAD_BYTES];
    uint8_t *digits = next + first->size - FRAME_HEAD_BYTES - first->digits;
    const uint8_t *p = first->unit + first->size;
    uint32_t count = 1;
    memcpy(next, first->unit, first->size);
    while (decimal_next(digits, first->digits) &&
           (size_t)(end - p) >= first->size &&
           bytes_are_equal(p, next, first->size)) {
        p += first->size;
        count++;
    }
    return count;
}

void acks_take(struct session *s, const uint8_t **at, const uint8_t *end)
{
    const struct acks_place *place = place_of(s);
    struct channel *queue = channel_ref_get(&place->queue, s->all->core);
    uint32_t count = 0, done = 0;
    while (queue && done == count) {
        struct ack first = ack_at(*at, end, place);
        if (first.number == 0)
            break;
        count = count_run(&first, end);
        done = queue_work_ack_run(queue, s, first.number, count);
        *at += done * first.size;
    }
}
