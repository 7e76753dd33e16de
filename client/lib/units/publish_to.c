/* SPDX-License-Identifier: MIT */
#include "client/lib/units/say.h"

enum { PUBLISH_REPLY_MAX_MS = 3600000 };

static enum sluice_error publish_check(struct sluice *s,
                                       struct sluice_bytes channel)
{
    sluice_handle_assert(s);
    if (channel.length >= 1 && channel.length <= SLUICE_CHANNEL_MAX)
        return SLUICE_OK;
    return sluice_failure_set(&s->failure, SLUICE_BAD_CHANNEL,
                              "a channel name has 1 to %d bytes, not %zu",
                              SLUICE_CHANNEL_MAX, channel.length);
}

enum sluice_error sluice_publish_to(struct sluice *s,
                                    struct sluice_bytes channel,
                                    struct sluice_bytes body,
                                    const struct sluice_header *headers,
                                    uint64_t token, int timeout_ms)
{
    enum sluice_error error = publish_check(s, channel);
    if (error != SLUICE_OK)
        return error;
    return sluice_say(s,
                      &(struct sluice_saying){.verb = "PUB",
                                              .channel = channel,
                                              .body = body,
                                              .headers = headers,
                                              .token = token,
                                              .is_published = true,
                                              .is_routed = true},
                      timeout_ms);
}

enum sluice_error sluice_request(struct sluice *s, struct sluice_bytes channel,
                                 struct sluice_bytes body,
                                 const struct sluice_header *headers,
                                 int reply_ms, uint64_t token, int timeout_ms)
{
    enum sluice_error error = publish_check(s, channel);
    if (error != SLUICE_OK)
        return error;
    if (reply_ms < 1 || reply_ms > PUBLISH_REPLY_MAX_MS || token == 0 ||
        token == SLUICE_CONFIRM)
        return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION,
                                  "a request has a token, and 1 ms to 1 hour"
                                  " for its reply");
    return sluice_say(s,
                      &(struct sluice_saying){.verb = "REQ",
                                              .channel = channel,
                                              .body = body,
                                              .headers = headers,
                                              .has_duration = true,
                                              .duration = UNIT_OPTION_timeout,
                                              .duration_ms = (uint64_t)reply_ms,
                                              .kind = SLUICE_CALL_REQUEST,
                                              .token = token,
                                              .is_routed = true,
                                              .is_urgent = true},
                      timeout_ms);
}
