/* SPDX-License-Identifier: MIT */
#include "broker/core/slack.h"

#include "broker/core/channel.h"

/* Its row; `count`: it has none. */
static uint32_t slack_find(const struct slack *s, const struct channel *ch)
{
    uint32_t i = 0;
    while (i < s->count && s->rows[i].channel != ch)
        i++;
    return i;
}

static void slack_remove(struct slack *s, uint32_t i)
{
    s->rows[i] = s->rows[--s->count];
}

void slack_add(struct slack *s, struct channel *ch)
{
    uint32_t i = slack_find(s, ch);
    if (i == SLACK_MAX) {
        i = s->next++ % SLACK_MAX;
        channel_shrink(s->rows[i].channel);
    } else if (i == s->count) {
        s->count++;
    }
    s->rows[i].channel = ch;
    s->rows[i].has_rested = false;
}

void slack_forget(struct slack *s, const struct channel *ch)
{
    uint32_t i = slack_find(s, ch);
    if (i < s->count)
        slack_remove(s, i);
}

void slack_tick(struct slack *s)
{
    for (uint32_t i = s->count; i-- > 0;) {
        if (s->rows[i].has_rested) {
            channel_shrink(s->rows[i].channel);
            slack_remove(s, i);
        } else {
            s->rows[i].has_rested = true;
        }
    }
}

void slack_end(struct slack *s)
{
    while (s->count > 0)
        channel_shrink(s->rows[--s->count].channel);
}
