/* SPDX-License-Identifier: MIT */
#include "broker/core/fullness.h"

#include "broker/core/channel.h"

static bool fullness_fits(const struct rule *rule, struct fill fill, uint64_t n)
{
    return fill.messages == 0 || (fill.bytes + n <= rule->limit_bytes &&
                                  fill.messages < rule->limit_messages);
}

static bool fullness_is_over(const struct rule *rule, struct fill fill)
{
    return fill.bytes >= rule->limit_bytes ||
           fill.messages >= rule->limit_messages;
}

static bool fullness_is_half(const struct rule *rule, struct fill fill)
{
    return fill.bytes <= rule->limit_bytes / 2 &&
           fill.messages <= rule->limit_messages / 2;
}

bool fullness_admits(struct fullness *f, struct channel *queue,
                     struct fill fill, uint64_t n)
{
    if (fullness_fits(queue->rule, fill, n))
        return true;
    if (!f->is_full)
        channel_close_gate(queue);
    *f = (struct fullness){.refused_bytes = n, .is_full = true};
    return false;
}

void fullness_update(struct fullness *f, struct channel *queue,
                     struct fill fill)
{
    const struct rule *rule = queue->rule;
    if (!f->is_full && fullness_is_over(rule, fill)) {
        f->is_full = true;
        channel_close_gate(queue);
    } else if (f->is_full && fullness_is_half(rule, fill) &&
               fullness_fits(rule, fill, f->refused_bytes)) {
        *f = (struct fullness){.is_full = false};
        channel_open_gate(queue);
    }
}
