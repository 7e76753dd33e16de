/* SPDX-License-Identifier: MIT
 *
 * Subscriptions, which outlive connections. Programs write a pattern as they
 * write a name: what a head cannot have is spelled here.
 */
#include "client/lib/units/say.h"
#include "client/lib/units/taker.h"
#include "client/lib/units/units.h"
#include "proto/octet.h"
#include "proto/spelling.h"

enum { SUBSCRIBE_WAIT_MIN_MS = 100, SUBSCRIBE_WAIT_MAX_MS = 86400000 };

static bool subscribe_is_spelled(const uint8_t *at, const uint8_t *end)
{
    return *at == '%' && end - at > 2 && octet_is(at[1], OCTET_HEX) &&
           octet_is(at[2], OCTET_HEX);
}

/* "%XX" and wildcards stay as they are. */
static bool subscribe_read_pattern(struct pattern *p, struct sluice_bytes name)
{
    char text[PATTERN_TEXT_MAX];
    uint32_t length = 0;
    const uint8_t *at = name.data, *end = at + name.length;
    if (name.length == 0)
        return false;
    for (; at < end; at++) {
        if (length + SPELLING_GROWTH > sizeof text)
            return false;
        if (octet_is(*at, OCTET_PLAIN) || subscribe_is_spelled(at, end))
            text[length++] = (char)*at;
        else
            length += (uint32_t)spelling_write_channel(text + length, at, 1);
    }
    return pattern_read(p, (struct span){text, length});
}

static enum sluice_error subscribe_check(struct sluice *s, struct pattern *p,
                                         struct sluice_bytes pattern)
{
    sluice_handle_assert(s);
    if (!s->protocol)
        return sluice_handle_bad_state(s);
    if (subscribe_read_pattern(p, pattern))
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_BAD_CHANNEL,
                              "'%.*s' is not a pattern: it is " PATTERN_FORM,
                              pattern.length > 255 ? 255 : (int)pattern.length,
                              (const char *)pattern.data);
}

static enum sluice_error
subscribe_check_how(struct sluice *s, const struct sluice_subscription *how,
                    bool is_queue)
{
    const char *reason = NULL;
    if (how->size < sizeof *how)
        reason = "the size of a struct sluice_subscription is not set";
    else if (!how->acks && (how->credit > 0 || how->wait_ms > 0))
        reason = "credit and wait are for subscriptions with acks";
    else if (how->acks && !is_queue)
        reason = "only messages of queues can be acknowledged";
    else if (how->credit > SLUICE_CREDIT_MAX)
        reason = "a credit is 1 to 65535 messages";
    else if (how->wait_ms > 0 && (how->wait_ms < SUBSCRIBE_WAIT_MIN_MS ||
                                  how->wait_ms > SUBSCRIBE_WAIT_MAX_MS))
        reason = "a wait is 100 ms to 24 hours";
    if (!reason)
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION, "%s", reason);
}

enum sluice_error sluice_subscribe_to(struct sluice *s,
                                      struct sluice_bytes pattern,
                                      const struct sluice_subscription *how,
                                      uint64_t token, int timeout_ms)
{
    struct pattern p = {.length = 0};
    static const struct sluice_subscription plain = {.size = sizeof plain};
    enum sluice_error error = subscribe_check(s, &p, pattern);
    how = how ? how : &plain;
    if (error == SLUICE_OK)
        error = subscribe_check_how(s, how, p.world == PATTERN_QUEUES);
    if (error != SLUICE_OK)
        return error;
    struct sluice_reader *reader = sluice_readers_add(&s->units->readers, &p);
    if (!reader)
        return sluice_failure_set(&s->failure, SLUICE_NO_MEMORY,
                                  "out of memory");
    reader->acks = how->acks;
    reader->credit = how->credit > 0 ? how->credit : 1;
    reader->wait_ms = how->wait_ms;
    reader->token = token;
    reader->state = SLUICE_READER_NEW;
    error = sluice_say(s,
                       &(struct sluice_saying){.reader = reader,
                                               .kind = SLUICE_CALL_SUBSCRIBE,
                                               .token = token},
                       timeout_ms);
    if (error == SLUICE_OK) {
        reader->state = SLUICE_READER_ASKED;
        reader->is_asked = true;
    } else {
        sluice_readers_remove(&s->units->readers, reader);
    }
    return error;
}

/* Writes the canonical spelling. */
static struct span subscribe_write(const struct pattern *p,
                                   char text[PATTERN_TEXT_MAX])
{
    return (struct span){text, (uint32_t)pattern_write(p, text)};
}

/* The reader may have gone while the call waited. */
static enum sluice_error subscribe_find(struct sluice *s,
                                        const struct pattern *p,
                                        struct sluice_reader **reader)
{
    *reader = sluice_readers_find(&s->units->readers, p);
    if (*reader)
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_GONE,
                              "there is no subscription with that pattern");
}

enum sluice_error sluice_unsubscribe(struct sluice *s,
                                     struct sluice_bytes pattern,
                                     uint64_t token, int timeout_ms)
{
    struct pattern p;
    struct sluice_reader *reader;
    char text[PATTERN_TEXT_MAX];
    enum sluice_error error = subscribe_check(s, &p, pattern);
    if (error == SLUICE_OK)
        error = subscribe_find(s, &p, &reader);
    if (error == SLUICE_OK)
        error = sluice_say(
            s,
            &(struct sluice_saying){.verb = "UNSUB",
                                    .spelled = subscribe_write(&p, text),
                                    .token = token,
                                    .is_urgent = true},
            timeout_ms);
    if (error != SLUICE_OK || subscribe_find(s, &p, &reader) != SLUICE_OK)
        return error;
    sluice_taker_end_reader(s->units, reader);
    return SLUICE_OK;
}

enum sluice_error sluice_credit(struct sluice *s, struct sluice_bytes pattern,
                                uint32_t messages, uint64_t token,
                                int timeout_ms)
{
    struct pattern p;
    struct sluice_reader *reader;
    char text[PATTERN_TEXT_MAX];
    enum sluice_error error = subscribe_check(s, &p, pattern);
    if (error == SLUICE_OK && messages > SLUICE_CREDIT_MAX)
        error = sluice_failure_set(&s->failure, SLUICE_BAD_OPTION,
                                   "a credit is 0 to 65535 messages");
    if (error == SLUICE_OK)
        error = subscribe_find(s, &p, &reader);
    if (error == SLUICE_OK)
        error = sluice_say(
            s,
            &(struct sluice_saying){.verb = "CREDIT",
                                    .spelled = subscribe_write(&p, text),
                                    .has_number = true,
                                    .number = messages,
                                    .token = token,
                                    .is_urgent = true},
            timeout_ms);
    if (error == SLUICE_OK && subscribe_find(s, &p, &reader) == SLUICE_OK)
        reader->credit = messages;
    return error;
}

const char *sluice_exact(char out[SLUICE_PATTERN_MAX],
                         struct sluice_bytes channel)
{
    if (channel.length < 1 || channel.length > SLUICE_CHANNEL_MAX)
        return NULL;
    out[spelling_write_channel(out, channel.data, channel.length)] = '\0';
    return out;
}
