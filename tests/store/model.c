/* SPDX-License-Identifier: MIT */
#include "tests/store/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "tests/store/body.h"
#include "tests/unit/chance.h"

void model_init(struct model *m, struct model_counts *counts)
{
    *m = (struct model){.counts = counts};
}

static void channel_clear(struct model_channel *c)
{
    free(c->messages);
    *c = (struct model_channel){0};
}

void model_fini(struct model *m)
{
    for (int i = 0; i < MODEL_CHANNELS; i++)
        channel_clear(&m->channels[i]);
}

/* The first complaint stays. */
__attribute__((format(printf, 2, 3))) static bool
complain(struct model *m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (m->complaint[0] == '\0')
        (void)vsnprintf(m->complaint, sizeof m->complaint, format, arguments);
    va_end(arguments);
    return false;
}

struct model_channel *model_find(struct model *m, uint32_t id)
{
    for (int i = 0; i < MODEL_CHANNELS; i++)
        if (m->channels[i].id == id)
            return &m->channels[i];
    return NULL;
}

struct model_channel *model_named(struct model *m, uint32_t name)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        struct model_channel *c = &m->channels[i];
        if (c->id && c->name == name && c->end == MODEL_KEPT)
            return c;
    }
    return NULL;
}

static struct model_message *message(struct model_channel *c, uint64_t number)
{
    return number >= c->first && number < c->next
               ? &c->messages[number - c->first]
               : NULL;
}

bool model_open(struct model *m, uint32_t id, uint32_t name, uint64_t first)
{
    if (model_find(m, id))
        return complain(m, "channel %" PRIu32 " is opened a second time", id);
    if (first <= m->highest[name])
        return complain(m, "q%" PRIu32 " begins at %" PRIu64 " once more", name,
                        first);
    struct model_channel *c = model_find(m, 0);
    if (!c)
        abort();
    *c = (struct model_channel){
        .id = id, .name = name, .first = first, .next = first};
    return true;
}

uint64_t model_put(struct model *m, struct model_channel *c, bool has_text)
{
    uint64_t used = c->next - c->first;
    if (used == c->room) {
        c->room = 2 * c->room + 16;
        c->messages = realloc(c->messages, c->room * sizeof *c->messages);
        if (!c->messages)
            abort();
    }
    c->messages[used] =
        (struct model_message){.tag = ++m->last_tag, .has_text = has_text};
    c->next++;
    m->counts->attempted++;
    return m->last_tag;
}

static void message_go(struct model *m, struct model_message *message)
{
    if (message->end != MODEL_KEPT)
        return;
    message->end = MODEL_GOES;
    m->counts->acknowledged++;
}

void model_ack(struct model *m, struct model_channel *c, uint64_t first,
               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        message_go(m, message(c, first + i));
}

void model_trim(struct model *m, struct model_channel *c, uint64_t first)
{
    for (uint64_t n = c->first; n < first && n < c->next; n++)
        message_go(m, message(c, n));
}

void model_drop(struct model *m, struct model_channel *c)
{
    model_trim(m, c, c->next);
    c->end = MODEL_GOES;
}

void model_confirm(struct model *m, struct model_channel *c, uint64_t first,
                   uint32_t count)
{
    c->is_confirmed = true;
    for (uint32_t i = 0; i < count; i++)
        message(c, first + i)->is_confirmed = true;
    m->counts->confirmed += count;
    if (first + count - 1 > m->highest[c->name])
        m->highest[c->name] = first + count - 1;
}

/* Forgets the messages at the front that are gone. */
static void channel_forget(struct model_channel *c)
{
    uint64_t gone = 0, used = c->next - c->first;
    while (gone < used && c->messages[gone].end == MODEL_GONE)
        gone++;
    if (gone == 0 || gone < used / 2)
        return;
    memmove(c->messages, c->messages + gone,
            (used - gone) * sizeof *c->messages);
    c->first += gone;
}

void model_settle(struct model *m)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        struct model_channel *c = &m->channels[i];
        for (uint64_t k = 0; k < c->next - c->first; k++)
            if (c->messages[k].end == MODEL_GOES)
                c->messages[k].end = MODEL_GONE;
        channel_forget(c);
        if (c->end == MODEL_GOES)
            channel_clear(c); /* found again, it is unexpected */
    }
}

/* Comparing. */

void model_begin(struct model *m)
{
    m->found_tag = m->found_sum = m->lost = 0;
    m->counts->comparisons++;
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        struct model_channel *c = &m->channels[i];
        c->is_found = false;
        c->found = c->damaged = 0;
        for (uint64_t k = 0; k < c->next - c->first; k++)
            c->messages[k].is_found = false;
    }
}

static bool name_matches(const struct model_channel *c,
                         const struct store_channel *found)
{
    char name[MODEL_NAME];
    int length = snprintf(name, sizeof name, "q%" PRIu32, c->name);
    return found->name_length == (uint32_t)length &&
           memcmp(found->name, name, found->name_length) == 0;
}

static bool is_second_of_its_name(const struct model *m,
                                  const struct model_channel *c)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        const struct model_channel *other = &m->channels[i];
        if (other != c && other->id && other->is_found &&
            other->name == c->name)
            return true;
    }
    return false;
}

/* Adds to what was found, whose order does not matter. */
static void sum_up(struct model *m, uint32_t channel, uint64_t number)
{
    uint64_t seed = (uint64_t)channel << 40 ^ number;
    m->found_sum += (uint64_t)chance_of(&seed, UINT32_MAX) << 20;
}

bool model_found_channel(struct model *m, const struct store_channel *found)
{
    struct model_channel *c = found->id ? model_find(m, found->id) : NULL;
    m->counts->unexpected += !c;
    if (!c)
        return complain(m, "channel %" PRIu32 " is unexpected", found->id);
    if (!name_matches(c, found))
        return complain(m, "channel %" PRIu32 " has another name", found->id);
    if (c->is_found || is_second_of_its_name(m, c))
        return complain(m, "q%" PRIu32 " is there twice", c->name);
    c->is_found = true;
    c->found_floor = found->floor;
    c->found_next = found->next;
    if (found->next > c->next || found->floor > found->next)
        return complain(m,
                        "q%" PRIu32 " goes on at %" PRIu64 " (floor %" PRIu64
                        "), not %" PRIu64 " at most",
                        c->name, found->next, found->floor, c->next);
    if (found->next <= m->highest[c->name] && c->is_confirmed)
        return complain(m, "q%" PRIu32 " would give %" PRIu64 " once more",
                        c->name, found->next);
    c->found = found->messages;
    sum_up(m, c->id, ~found->next);
    return true;
}

static bool is_the_body(const uint8_t *bytes, uint64_t length, uint64_t tag)
{
    static uint8_t body[BODY_MAX];
    uint32_t n = body_length(tag);
    body_write(body, tag);
    return length == n + sizeof n && frame_get_length(bytes) == n &&
           memcmp(bytes + sizeof n, body, n) == 0;
}

uint32_t model_text(uint8_t out[MODEL_TEXT], uint64_t tag)
{
    char text[MODEL_TEXT + 1];
    (void)snprintf(text, sizeof text, "%0*" PRIx64, MODEL_TEXT, tag);
    memcpy(out, text, MODEL_TEXT);
    return MODEL_TEXT;
}

static bool is_the_text(const struct model_message *message,
                        const uint8_t *text, uint32_t length)
{
    uint8_t expected[MODEL_TEXT];
    if (!message->has_text)
        return length == 0;
    return length == model_text(expected, message->tag) &&
           memcmp(text, expected, length) == 0;
}

bool model_found_message(struct model *m, const struct model_found *found)
{
    struct model_channel *c = model_find(m, found->channel);
    struct model_message *message_ = c ? message(c, found->number) : NULL;
    uint32_t name = c ? c->name : 0;
    bool is_right = message_ &&
                    is_the_body(found->bytes, found->length, message_->tag) &&
                    is_the_text(message_, found->text, found->text_length);
    m->counts->unexpected += !is_right;
    if (!is_right)
        return complain(m, "q%" PRIu32 " %" PRIu64 " is %s", name,
                        found->number, message_ ? "changed" : "unexpected");
    if (message_->end == MODEL_GONE)
        return complain(m, "q%" PRIu32 " %" PRIu64 " is back", name,
                        found->number);
    if (message_->is_found || found->number < c->found_floor ||
        found->number >= c->found_next || c->found-- == 0)
        return complain(m, "q%" PRIu32 " %" PRIu64 " is outside or twice", name,
                        found->number);
    message_->is_found = true;
    sum_up(m, c->id, found->number);
    m->counts->repeated += message_->end == MODEL_GOES;
    m->counts->recovered += !message_->is_confirmed;
    if (message_->tag > m->found_tag)
        m->found_tag = message_->tag;
    return true;
}

void model_found_damage(struct model *m, uint32_t channel, uint64_t count)
{
    struct model_channel *c = model_find(m, channel);
    m->lost += count;
    if (c && m->may_be_damaged)
        c->damaged += count;
    else
        (void)complain(m,
                       "channel %" PRIu32 ": %" PRIu64 " messages are damaged",
                       channel, count);
}

/* Whether all that must be in the channel is. */
static bool channel_is_whole(struct model *m, struct model_channel *c)
{
    if (c->is_found && c->found > c->damaged)
        return complain(m, "q%" PRIu32 " counts %" PRIu64 " that are not there",
                        c->name, c->found);
    if (!c->is_found && c->is_confirmed && c->end == MODEL_KEPT)
        return complain(m, "q%" PRIu32 " is lost", c->name);
    for (uint64_t k = 0; k < c->next - c->first; k++) {
        const struct model_message *message = &c->messages[k];
        bool must = message->is_confirmed || message->tag < m->found_tag;
        if (message->end != MODEL_KEPT || message->is_found || !must)
            continue;
        if (c->damaged > 0 && c->damaged--)
            continue;
        m->counts->lost += message->is_confirmed;
        return complain(m, "q%" PRIu32 " %" PRIu64 " is %s", c->name,
                        c->first + k,
                        message->is_confirmed ? "lost" : "left out");
    }
    return true;
}

bool model_end(struct model *m)
{
    bool is_whole = true;
    for (int i = 0; i < MODEL_CHANNELS; i++)
        if (m->channels[i].id)
            is_whole &= channel_is_whole(m, &m->channels[i]);
    return is_whole && m->complaint[0] == '\0';
}

void model_adopt(struct model *m)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        struct model_channel *c = &m->channels[i];
        if (!c->is_found) {
            channel_clear(c);
            continue;
        }
        c->end = MODEL_KEPT;
        c->is_confirmed = true;
        c->next = c->found_next;
        if (c->next <= c->first)
            c->first = c->next;
        for (uint64_t k = 0; k < c->next - c->first; k++) {
            struct model_message *message = &c->messages[k];
            message->is_confirmed = true;
            message->end = message->is_found ? MODEL_KEPT : MODEL_GONE;
        }
        channel_forget(c);
        if (c->next - 1 > m->highest[c->name])
            m->highest[c->name] = c->next - 1;
    }
}
