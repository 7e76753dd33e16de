/* SPDX-License-Identifier: MIT
 *
 * What is said about a message that was received. It is said on the connection
 * that the message came on, or not at all: on the next one the same number may
 * be a delivery to somebody else.
 */
#include "client/lib/units/say.h"

enum { WORK_DELAY_MAX_MS = 3600000, WORK_REASON_MAX = 512 };

static struct sluice_saying work_say(const struct sluice_delivery *d,
                                     const char *verb, uint64_t token)
{
    return (struct sluice_saying){
        .verb = verb,
        .channel = {d->channel, d->channel_length},
        .has_number = true,
        .number = d->seq,
        .token = token,
        .connection = d->connection,
        .is_urgent = true,
    };
}

enum sluice_error sluice_ack(struct sluice *s,
                             const struct sluice_delivery *delivery,
                             uint64_t token, int timeout_ms)
{
    sluice_handle_assert(s);
    struct sluice_saying what = work_say(delivery, "ACK", token);
    return sluice_say(s, &what, timeout_ms);
}

enum sluice_error sluice_touch(struct sluice *s,
                               const struct sluice_delivery *delivery,
                               uint64_t token, int timeout_ms)
{
    sluice_handle_assert(s);
    struct sluice_saying what = work_say(delivery, "TOUCH", token);
    return sluice_say(s, &what, timeout_ms);
}

enum sluice_error sluice_nak(struct sluice *s,
                             const struct sluice_delivery *delivery,
                             uint32_t delay_ms, struct sluice_bytes reason,
                             uint64_t token, int timeout_ms)
{
    sluice_handle_assert(s);
    if (delay_ms > WORK_DELAY_MAX_MS)
        return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION,
                                  "a delay is up to one hour");
    struct sluice_saying what = work_say(delivery, "NAK", token);
    what.has_duration = true;
    what.duration = UNIT_OPTION_delay;
    what.duration_ms = delay_ms;
    what.body = reason;
    if (what.body.length > WORK_REASON_MAX)
        what.body.length = WORK_REASON_MAX;
    return sluice_say(s, &what, timeout_ms);
}

enum sluice_error sluice_reply(struct sluice *s,
                               const struct sluice_delivery *delivery,
                               struct sluice_bytes body,
                               const struct sluice_header *headers,
                               uint64_t token, int timeout_ms)
{
    sluice_handle_assert(s);
    if (delivery->reply_length == 0)
        return sluice_failure_set(&s->failure, SLUICE_BAD_STATE,
                                  "the message is not a request");
    struct sluice_saying what = {
        .verb = "PUB",
        .spelled = {delivery->reply, delivery->reply_length},
        .headers = headers,
        .body = body,
        .token = token,
        .connection = delivery->connection,
        .is_urgent = true,
    };
    return sluice_say(s, &what, timeout_ms);
}
